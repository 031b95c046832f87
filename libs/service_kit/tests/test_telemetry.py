from service_kit.context import Conventions, call_and_subject, concerns, enter

USER = "x-example-user"
CONVENTIONS = Conventions(USER)


def test_a_verified_user_is_the_subject_unless_the_call_says_whom_it_concerns() -> None:
    assert call_and_subject(USER) == ({}, "")
    enter(CONVENTIONS.propagated([(USER, "c-0001"), ("cookie", "secret")]), None)
    assert call_and_subject(USER) == ({USER: "c-0001"}, "c-0001")
    concerns("c-0002")
    assert call_and_subject(USER)[1] == "c-0002"
    concerns("")
    enter({}, None)
