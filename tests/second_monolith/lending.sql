create schema lending;
create table lending.members (
  id bigint generated always as identity primary key,
  given_names text,
  family_name text not null,
  email text not null
);
create table lending.loans (
  id bigint generated always as identity primary key,
  member_id bigint not null references lending.members,
  book varchar(80) not null,
  taken_at timestamptz not null default now()
);
create table lending.returns (loan_id bigint primary key references lending.loans, returned_at timestamptz not null);
