package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	connections     = 6
	connectLimit    = 3 * time.Second
	connectionLimit = 4 * time.Second // until one of the connections is free
	connectionAge   = 30 * time.Minute
	queryLimit      = 6 * time.Second // a second more than the server's own
)

// outOfOrder holds the SQLSTATE classes of connections, resources, and an operator's shutdown or the statement's time-out.
var outOfOrder = []string{"08", "53", "57"}

// The table `rates`, as storage.py describes it: units for one euro; the euro itself is not stored.
const findRates = `
	with known as (select min(date) as first, max(date) as last from rates)
	select known.first, known.last, rates.date, rates.currency, rates.rate::text
	from known left join rates
	  on rates.date = (select max(date) from rates where date <= coalesce($1::date, known.last))`

// openDatabase returns a pool that connects when it is first used.
func openDatabase(ctx context.Context, url string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("database_url is not valid: use postgresql://role:password@host:port/database")
	}
	config.MaxConns = connections
	config.MaxConnLifetime = connectionAge
	config.ConnConfig.ConnectTimeout = connectLimit
	config.ConnConfig.RuntimeParams = map[string]string{
		"application_name":  service,
		"statement_timeout": "5000",
		"jit":               "off", // compiling takes longer than any statement here
	}
	return pgxpool.NewWithConfig(ctx, config)
}

// sqlRates are the rates in PostgreSQL.
type sqlRates struct{ pool *pgxpool.Pool }

// find returns the rates of the day, or of the last banking day before it; nil if there are no rates at all.
func (s sqlRates) find(ctx context.Context, on *time.Time) (*found, error) {
	ctx, end := startStatement(ctx, "select known") // as the Python implementation's span is called
	defer end()
	got, err := s.query(ctx, on)
	if errors.As(err, new(broken)) { // the statement may safely run twice: on a dead connection's successor
		s.pool.Reset()
		got, err = s.query(ctx, on)
	}
	if isUnavailable(err) {
		return nil, storageUnavailable{err}
	}
	return got, err
}

func (s sqlRates) query(ctx context.Context, on *time.Time) (*found, error) {
	waiting, stop := context.WithTimeout(ctx, connectionLimit)
	defer stop()
	connection, err := s.pool.Acquire(waiting)
	if err != nil {
		return nil, unreachable{err}
	}
	defer connection.Release()
	limited, end := context.WithTimeout(ctx, queryLimit)
	defer end()
	rows, err := connection.Query(limited, findRates, on)
	if err != nil {
		return nil, brokenIf(connection, err)
	}
	got, err := read(rows)
	return got, brokenIf(connection, err)
}

// read takes the rows of findRates: one that names no day where there is none, or no table on that day.
func read(rows pgx.Rows) (*found, error) {
	var first, last, day *time.Time
	var code, text *string
	rates := map[string]*apd.Decimal{euro: apd.New(1, 0)}
	_, err := pgx.ForEachRow(rows, []any{&first, &last, &day, &code, &text}, func() error {
		if day == nil {
			return nil
		}
		rate, _, err := apd.NewFromString(*text)
		if err != nil {
			return fmt.Errorf("rate of %s on %s: %w", *code, isoDay(*day), err)
		}
		rates[*code] = rate
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case first == nil:
		return nil, nil
	case day == nil:
		return &found{first: *first, last: *last}, nil
	}
	codes := make([]string, 0, len(rates))
	for code := range rates {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return &found{*first, *last, &table{isoDay(*day), codes, rates}}, nil
}

// broken says that the connection ended before the statement did.
type broken struct{ cause error }

func (e broken) Error() string { return e.cause.Error() }
func (e broken) Unwrap() error { return e.cause }

// unreachable says that there is no connection.
type unreachable struct{ cause error }

func (e unreachable) Error() string { return e.cause.Error() }
func (e unreachable) Unwrap() error { return e.cause }

func brokenIf(connection *pgxpool.Conn, err error) error {
	if err != nil && connection.Conn().IsClosed() {
		return broken{err}
	}
	return err
}

// isUnavailable says whether nobody but an operator can do anything about it.
func isUnavailable(err error) bool {
	if errors.As(err, new(broken)) {
		return true
	}
	refused := (*pgconn.PgError)(nil)
	if !errors.As(err, &refused) {
		return errors.As(err, new(unreachable))
	}
	isOfClass := func(class string) bool { return strings.HasPrefix(refused.Code, class) }
	return slices.ContainsFunc(outOfOrder, isOfClass)
}
