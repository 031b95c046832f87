package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
)

// This file turns errors of the domain into statuses with details; all other errors stay inside.

const (
	errorDomain = "figtree"
	longest     = 500 // characters of the message: it travels twice, and the violations say it all
)

// admission refuses calls beyond its capacity.
type admission chan struct{}

var tooMany = status.Error(codes.ResourceExhausted, "Concurrent RPC limit exceeded!")

func (a admission) unary(
	ctx context.Context, request any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (any, error) {
	select {
	case a <- struct{}{}:
		defer func() { <-a }()
		return handler(ctx, request)
	default:
		return nil, tooMany
	}
}

func (a admission) stream(
	server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler,
) error {
	select {
	case a <- struct{}{}:
		defer func() { <-a }()
		return handler(server, stream)
	default:
		return tooMany
	}
}

// errorsToStatuses is the one table of errors.
func errorsToStatuses(
	ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (answer any, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = unhandled(ctx, info.FullMethod, fmt.Errorf("panic: %v\n%s", cause, debug.Stack()))
		}
	}()
	answer, err = handler(ctx, request)
	if err == nil {
		return answer, nil
	}
	var wrong *invalidRequest
	switch {
	case errors.As(err, &wrong):
		return nil, richStatus(codes.InvalidArgument, "INVALID_REQUEST", wrong, wrong.violations)
	case errors.As(err, new(noRates)):
		return nil, richStatus(codes.Unavailable, "NO_RATES", err, nil)
	case errors.As(err, new(storageUnavailable)):
		return nil, richStatus(codes.Unavailable, "STORAGE_UNAVAILABLE", err, nil)
	case ctx.Err() != nil:
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	if _, ok := status.FromError(err); ok { // health's own
		return nil, err
	}
	return nil, unhandled(ctx, info.FullMethod, err)
}

func unhandled(ctx context.Context, method string, err error) error {
	logError(ctx, "unhandled error in "+method, err)
	return status.Error(codes.Internal, "internal error")
}

// richStatus is the error with its reason and the fields that it finds wrong.
func richStatus(code codes.Code, reason string, err error, violations []violation) error {
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: reason, Domain: errorDomain}}
	if len(violations) > 0 {
		bad := &errdetails.BadRequest{}
		for _, one := range violations {
			bad.FieldViolations = append(bad.FieldViolations,
				&errdetails.BadRequest_FieldViolation{Field: one.field, Description: one.description})
		}
		details = append(details, bad)
	}
	brief := []rune(err.Error())
	rich, failed := status.New(code, string(brief[:min(len(brief), longest)])).WithDetails(details...)
	if failed != nil {
		return failed
	}
	return rich.Err()
}
