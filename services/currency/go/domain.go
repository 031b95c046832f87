package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"
)

// This file says what an amount is worth in another currency, as domain.py does. Amounts are decimals of 28 digits.

const (
	euro    = "EUR"
	largest = "9223372036854775807"
)

var (
	dayForm      = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	withoutCents = map[string]bool{"ISK": true, "JPY": true, "KRW": true}
	limit, _, _  = apd.NewFromString(largest)
)

// violation is a field of a request that is not valid.
type violation struct{ field, description string }

// invalidRequest holds what is wrong with a request.
type invalidRequest struct{ violations []violation }

func (e *invalidRequest) Error() string {
	texts := make([]string, len(e.violations))
	for i, one := range e.violations {
		texts[i] = one.field + ": " + one.description
	}
	return strings.Join(texts, "; ")
}

// inside returns the same error with `field.` before each path.
func (e *invalidRequest) inside(field string) *invalidRequest {
	moved := make([]violation, len(e.violations))
	for i, one := range e.violations {
		moved[i] = violation{field + "." + one.field, one.description}
	}
	return &invalidRequest{moved}
}

func invalid(field, description string) *invalidRequest {
	return &invalidRequest{[]violation{{field, description}}}
}

// noRates says that nobody has imported any rates yet.
type noRates struct{}

func (noRates) Error() string { return "there are no rates yet" }

// storageUnavailable says that the database does not answer.
type storageUnavailable struct{ cause error }

func (storageUnavailable) Error() string   { return "the database does not answer" }
func (e storageUnavailable) Unwrap() error { return e.cause }

// table holds all rates of one banking day, the euro among them.
type table struct {
	date  string
	codes []string // in their order
	rates map[string]*apd.Decimal
}

// found is the newest table that is not newer than the day asked for, and the days that bound all tables.
type found struct {
	first, last time.Time
	table       *table // nil: the day asked for is before the first
}

// conversion is an amount in the other currency, and the rate of a day as it is shown.
type conversion struct {
	result, rate *apd.Decimal
	date         string
}

// tableOn is the table that holds on that day: its own, or that of the banking day before it. A nil day is the latest.
func tableOn(found *found, on *time.Time) (*table, error) {
	if found == nil {
		return nil, noRates{}
	}
	if found.table == nil || (on != nil && on.After(found.last) && !weekendBehind(found.last, *on)) {
		known := fmt.Sprintf("rates are known from %s to %s", isoDay(found.first), isoDay(found.last))
		return nil, invalid("date", known)
	}
	return found.table, nil
}

func weekendBehind(last, on time.Time) bool {
	if on.After(last.AddDate(0, 0, 2)) {
		return false
	}
	for day := last.AddDate(0, 0, 1); !day.After(on); day = day.AddDate(0, 0, 1) {
		if day.Weekday() != time.Saturday && day.Weekday() != time.Sunday {
			return false
		}
	}
	return true
}

// exactly returns a context of 28 digits, as Python's decimal has them.
func exactly(rounding apd.Rounder) *apd.Context {
	return &apd.Context{
		Precision: 28, MaxExponent: apd.MaxExponent, MinExponent: apd.MinExponent,
		Rounding: rounding, Traps: apd.DefaultTraps,
	}
}

// convert changes an amount at the rates of the table. It is invalid where a currency has no rate.
func convert(table *table, amount *apd.Decimal, source, target string, rounding apd.Rounder) (conversion, error) {
	var wrong []violation
	for _, one := range []violation{{"from", source}, {"to", target}} {
		if table.rates[one.description] == nil {
			wrong = append(wrong, violation{one.field, fmt.Sprintf("%s has no rate on %s", one.description, table.date)})
		}
	}
	if wrong != nil {
		return conversion{}, &invalidRequest{wrong}
	}
	var rate, exact, result apd.Decimal
	context := exactly(apd.RoundHalfEven)
	if err := quotient(context, &rate, table.rates[target], table.rates[source]); err != nil {
		return conversion{}, err
	}
	if _, err := context.Mul(&exact, amount, &rate); err != nil {
		return conversion{}, err
	}
	if new(apd.Decimal).Abs(&exact).Cmp(limit) > 0 {
		return conversion{}, invalid("amount", fmt.Sprintf("must convert to at most %s %s", largest, target))
	}
	if _, err := exactly(rounding).Quantize(&result, &exact, smallestUnit(target)); err != nil {
		return conversion{}, err
	}
	if rate.Exponent < -8 {
		if _, err := context.Quantize(&rate, &rate, -8); err != nil {
			return conversion{}, err
		}
	}
	return conversion{&result, &rate, table.date}, nil
}

// quotient divides. A quotient that ends keeps no more zeros than its parts have decimals, as the General Decimal
// Arithmetic Specification says and Python's decimal does; apd fills it up.
func quotient(context *apd.Context, result, dividend, divisor *apd.Decimal) error {
	condition, err := context.Quo(result, dividend, divisor)
	if err != nil || condition.Inexact() {
		return err
	}
	var reduced apd.Decimal
	_, zeros := reduced.Reduce(result)
	surplus := min(int64(zeros), int64(dividend.Exponent)-int64(divisor.Exponent)-int64(result.Exponent))
	if surplus > 0 {
		_, err = context.Quantize(result, result, result.Exponent+int32(surplus))
	}
	return err
}

// smallestUnit is the exponent of a currency's smallest amount.
func smallestUnit(currency string) int32 {
	if withoutCents[currency] {
		return 0
	}
	return -2
}

// dayFrom is nil for no text, and invalid for one that is not YYYY-MM-DD.
func dayFrom(text string) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil || !dayForm.MatchString(text) || day.Year() < 1 {
		return nil, invalid("date", "must be a date, YYYY-MM-DD")
	}
	return &day, nil
}

func isoDay(day time.Time) string { return day.Format(time.DateOnly) }

// asText is plain digits without an exponent; zero has no sign.
func asText(value *apd.Decimal) string {
	if value.IsZero() {
		value = new(apd.Decimal).Abs(value)
	}
	return value.Text('f')
}
