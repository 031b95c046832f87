package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/big"

	"github.com/cockroachdb/apd/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	pb "figtree.example/currency/pb/currencyv1"
	"figtree.example/currency/pb/moneyv1"
)

// This file turns messages into values and back.

const (
	nanos    = 1_000_000_000
	mirrored = "x-figtree-mirrored" // on a request whose answers are compared
)

// currencyServicer is the gRPC surface; currency.proto documents the methods.
type currencyServicer struct {
	pb.UnimplementedCurrencyServiceServer
	exchange exchange
}

// GetRates answers with the rates of a day.
func (s *currencyServicer) GetRates(ctx context.Context, request *pb.GetRatesRequest) (*pb.GetRatesResponse, error) {
	on, err := dayFrom(request.GetDate())
	if err != nil {
		return nil, err
	}
	table, err := s.exchange.table(ctx, on)
	if err != nil {
		return nil, err
	}
	answer := &pb.GetRatesResponse{Date: table.date, Rates: make([]*pb.Rate, len(table.codes))}
	for i, code := range table.codes {
		answer.Rates[i] = &pb.Rate{CurrencyCode: code, Rate: toDecimal(table.rates[code])}
	}
	return answer, nameDigest(ctx, answer)
}

// Convert answers one conversion.
func (s *currencyServicer) Convert(ctx context.Context, request *pb.ConvertRequest) (*pb.ConvertResponse, error) {
	one, err := fromProto(request)
	if err != nil {
		return nil, err
	}
	done, err := s.exchange.convert(ctx, one)
	if err != nil {
		return nil, err
	}
	answer := toProto(done, one.target)
	return answer, nameDigest(ctx, answer)
}

// BatchConvert answers many conversions; the first invalid one fails the call.
func (s *currencyServicer) BatchConvert(
	ctx context.Context, request *pb.BatchConvertRequest,
) (*pb.BatchConvertResponse, error) {
	if len(request.GetConversions()) > batch {
		return nil, invalid("conversions", fmt.Sprintf("must be at most %d", batch))
	}
	many := make([]wanted, len(request.GetConversions()))
	for place, one := range request.GetConversions() {
		var err error
		if many[place], err = fromProto(one); err != nil {
			return nil, at(place, err)
		}
	}
	done, err := s.exchange.batchConvert(ctx, many)
	if err != nil {
		return nil, err
	}
	answer := &pb.BatchConvertResponse{Conversions: make([]*pb.ConvertResponse, len(done))}
	for place, one := range done {
		answer.Conversions[place] = toProto(one, many[place].target)
	}
	return answer, nameDigest(ctx, answer)
}

// fromProto is the one mapping from the contract to a conversion.
func fromProto(request *pb.ConvertRequest) (wanted, error) {
	amount, err := fromMoney(request.GetAmount())
	if err != nil {
		return wanted{}, err
	}
	on, err := dayFrom(request.GetDate())
	if err != nil {
		return wanted{}, err
	}
	return wanted{amount, request.GetAmount().GetCurrencyCode(), request.GetToCurrencyCode(), on}, nil
}

// toProto is the one mapping from a conversion to the contract.
func toProto(done conversion, currency string) *pb.ConvertResponse {
	return &pb.ConvertResponse{Result: toMoney(done.result, currency), Rate: toDecimal(done.rate), Date: done.date}
}

// fromMoney is the amount; it is invalid if units and nanos contradict each other.
func fromMoney(money *moneyv1.Money) (*apd.Decimal, error) {
	units, part := money.GetUnits(), int64(money.GetNanos())
	if part <= -nanos || part >= nanos || (units < 0 && part > 0) || (units > 0 && part < 0) {
		return nil, invalid("amount", "must have nanos below one unit and of the same sign as units")
	}
	all := new(big.Int).Mul(big.NewInt(units), big.NewInt(nanos))
	all.Add(all, big.NewInt(part))
	return apd.NewWithBigInt(new(apd.BigInt).SetMathBigInt(all), -9), nil
}

// toMoney takes an amount of at most nine decimals.
func toMoney(amount *apd.Decimal, currency string) *moneyv1.Money {
	all := amount.Coeff.MathBigInt()
	all.Mul(all, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(amount.Exponent)+9), nil))
	if amount.Negative {
		all.Neg(all)
	}
	units, part := new(big.Int).QuoRem(all, big.NewInt(nanos), new(big.Int))
	return &moneyv1.Money{CurrencyCode: currency, Units: units.Int64(), Nanos: int32(part.Int64())}
}

func toDecimal(value *apd.Decimal) *moneyv1.Decimal {
	return &moneyv1.Decimal{Value: asText(value)}
}

// nameDigest sends Content-Digest (RFC 9530) of an answer to a request that a mirror has marked, over the message as
// gRPC frames it: not compressed, its length, its bytes.
func nameDigest(ctx context.Context, answer proto.Message) error {
	if len(metadata.ValueFromIncomingContext(ctx, mirrored)) == 0 {
		return nil
	}
	content, err := proto.MarshalOptions{Deterministic: true}.Marshal(answer)
	if err != nil {
		return err
	}
	framed := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(content))), content...)
	sum := sha256.Sum256(framed)
	digest := fmt.Sprintf("sha-256=:%s:", base64.StdEncoding.EncodeToString(sum[:]))
	return grpc.SetHeader(ctx, metadata.Pairs("content-digest", digest))
}
