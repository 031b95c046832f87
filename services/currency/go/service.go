package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/apd/v3"
)

const batch = 1_000

// wanted is one conversion asked for.
type wanted struct {
	amount         *apd.Decimal
	source, target string
	on             *time.Time // nil: the latest day
}

// exchange holds the use cases of rates.
type exchange struct {
	find     func(context.Context, *time.Time) (*found, error)
	rounding apd.Rounder
}

// table returns the rates of a day, or the latest ones.
func (e exchange) table(ctx context.Context, on *time.Time) (*table, error) {
	found, err := e.find(ctx, on)
	if err != nil {
		return nil, err
	}
	return tableOn(found, on)
}

// convert changes an amount at the rates of a day, or at the latest ones.
func (e exchange) convert(ctx context.Context, one wanted) (conversion, error) {
	table, err := e.table(ctx, one.on)
	if err != nil {
		return conversion{}, err
	}
	return convert(table, one.amount, one.source, one.target, e.rounding)
}

// batchConvert answers each in its place and reads each day once. The first that fails, fails all and is named.
func (e exchange) batchConvert(ctx context.Context, many []wanted) ([]conversion, error) {
	tables := map[string]*table{}
	done := make([]conversion, len(many))
	for place, one := range many {
		day := ""
		if one.on != nil {
			day = isoDay(*one.on)
		}
		var err error
		if tables[day] == nil {
			tables[day], err = e.table(ctx, one.on)
		}
		if err == nil {
			done[place], err = convert(tables[day], one.amount, one.source, one.target, e.rounding)
		}
		if err != nil {
			return nil, at(place, err)
		}
	}
	return done, nil
}

// at names the conversion of a batch that is not valid.
func at(place int, err error) error {
	if wrong := (*invalidRequest)(nil); errors.As(err, &wrong) {
		return wrong.inside(fmt.Sprintf("conversions[%d]", place))
	}
	return err
}
