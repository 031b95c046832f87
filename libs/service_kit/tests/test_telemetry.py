from service_kit.context import call_and_customer, concerns, enter


def test_a_verified_user_is_the_customer_unless_the_call_says_whose_it_is() -> None:
    assert call_and_customer() == ({}, "")
    enter([("x-figtree-user", "c-0001"), ("cookie", "secret")], None)
    assert call_and_customer() == ({"x-figtree-user": "c-0001"}, "c-0001")
    concerns("c-0002")
    assert call_and_customer()[1] == "c-0002"
    concerns("")
    enter((), None)
