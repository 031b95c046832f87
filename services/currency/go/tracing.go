package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// This file records a span for each sampled call and for its statement: the mesh decides what is sampled.

const collectorLimit = 2 * time.Second // spans are not worth a slow end

var tracer oteltrace.Tracer = noop.Tracer{}

// faults are the statuses for which the service is to blame.
var faults = []codes.Code{
	codes.Unknown, codes.DeadlineExceeded, codes.Unimplemented, codes.Internal, codes.Unavailable, codes.DataLoss,
}

// configureTracing records sampled calls from now on, if the settings say where to send them.
func configureTracing(ctx context.Context, settings settings) (end func() error, err error) {
	if settings.Endpoint == "" {
		return func() error { return nil }, nil
	}
	exporter, err := otlptracehttp.New(ctx,
		otlptracehttp.WithEndpointURL(strings.TrimRight(settings.Endpoint, "/")+"/v1/traces"),
		otlptracehttp.WithTimeout(collectorLimit),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: false}),
	)
	if err != nil {
		return nil, err
	}
	provider := trace.NewTracerProvider(
		trace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", service), attribute.String("service.version", settings.Version))),
		trace.WithBatcher(exporter, trace.WithBatchTimeout(settings.Delay)),
	)
	tracer = provider.Tracer("tracing")
	return func() error {
		limited, stop := context.WithTimeout(context.Background(), collectorLimit)
		defer stop()
		_ = provider.Shutdown(limited) // a collector that is away fails no service
		return nil
	}, nil
}

// tracing gives a sampled call a span, and every call the headers that its log lines name.
func tracing(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	parent := header(ctx, "traceparent")
	ctx = withCall(ctx, call{traceparent: parent, requestID: header(ctx, "x-request-id"), user: header(ctx, "x-figtree-user")})
	remote := propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": parent})
	if !oteltrace.SpanContextFromContext(remote).IsSampled() {
		return handler(ctx, request)
	}
	ctx, span := tracer.Start(remote, info.FullMethod[1:], oteltrace.WithSpanKind(oteltrace.SpanKindServer))
	defer span.End()
	answer, err := handler(ctx, request)
	code := status.Code(err)
	name := statusName(code)
	span.SetAttributes(attribute.String("rpc.system", "grpc"), attribute.String("rpc.grpc.status_code", name))
	if slices.Contains(faults, code) {
		span.SetStatus(otelcodes.Error, name)
	}
	return answer, err
}

// startStatement begins a span around one statement, if the call under way is sampled.
func startStatement(ctx context.Context, name string) (context.Context, func()) {
	if !oteltrace.SpanContextFromContext(ctx).IsSampled() {
		return ctx, func() {}
	}
	ctx, span := tracer.Start(ctx, name, oteltrace.WithSpanKind(oteltrace.SpanKindClient), oteltrace.WithAttributes(
		attribute.String("db.system.name", "postgresql"), attribute.String("db.namespace", service)))
	return ctx, func() { span.End() }
}

func header(ctx context.Context, name string) string {
	if values := metadata.ValueFromIncomingContext(ctx, name); len(values) > 0 {
		return values[0]
	}
	return ""
}

// statusName is the name of a code as the specification writes it: DEADLINE_EXCEEDED.
func statusName(code codes.Code) string {
	var name strings.Builder
	if code == codes.OK {
		return "OK"
	}
	for i, letter := range code.String() {
		if i > 0 && letter >= 'A' && letter <= 'Z' {
			name.WriteByte('_')
		}
		name.WriteRune(letter)
	}
	return strings.ToUpper(name.String())
}
