// Command currency is the currency service in Go: a second implementation of the contract that the Python one beside it
// has, over the same database and with the same settings. Everything is built here, in order, and closed in reverse.
//
// It serves and does nothing else: the schema and the import of rates belong to the Python commands, because a database
// has one owner.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"google.golang.org/grpc"

	pb "figtree.example/currency/pb/currencyv1"
)

//go:generate go run ./generate

const service = "currency"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", service, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) > 0 && (len(arguments) > 1 || arguments[0] != "serve") {
		return fmt.Errorf("%q is not a command of this version: only serve is; the Python version migrates and imports", arguments)
	}
	settings, err := readSettings(os.LookupEnv)
	if err != nil {
		return err
	}
	configureLog(settings)
	ctx := context.Background()
	endTracing, err := configureTracing(ctx, settings)
	if err != nil {
		return err
	}
	pool, err := openDatabase(ctx, settings.DatabaseURL)
	if err != nil {
		return err
	}
	rates := newCachedRates(sqlRates{pool}.find)
	servicer := &currencyServicer{exchange: exchange{find: rates.find, rounding: settings.Rounding}}
	register := func(server *grpc.Server) { pb.RegisterCurrencyServiceServer(server, servicer) }
	err = serve(settings.Listen, register, pb.CurrencyService_ServiceDesc.ServiceName)
	pool.Close()
	return errors.Join(err, endTracing())
}
