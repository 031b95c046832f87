package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	oteltrace "go.opentelemetry.io/otel/trace"
	"golang.org/x/crypto/blake2b"
)

// This file writes one JSON line for each event, with the fields that the Python processes' lines have. Whom a call
// concerns is written as a keyed hash.

// call holds the headers of the call under way that its log lines name.
type call struct{ traceparent, requestID, user string }

type callKey struct{}

func withCall(ctx context.Context, one call) context.Context {
	return context.WithValue(ctx, callKey{}, one)
}

type line struct {
	Time      string `json:"time"`
	Level     string `json:"level"`
	Service   string `json:"service"`
	Version   string `json:"version"`
	Message   string `json:"message"`
	TraceID   string `json:"trace_id,omitempty"`
	SpanID    string `json:"span_id,omitempty"`
	RequestID string `json:"request_id,omitempty"`
	Customer  string `json:"customer,omitempty"`
	Exception string `json:"exception,omitempty"`
}

var log struct {
	sync.Mutex
	level   slog.Level
	version string
	key     []byte
}

// configureLog makes lines of processes with the same key have the same hash for one customer.
func configureLog(settings settings) {
	key := settings.LogHashKey
	if key == "" {
		key = rand.Text()
	}
	log.level, log.version, log.key = settings.LogLevel, settings.Version, []byte(key)[:min(len(key), 64)]
}

func logInfo(ctx context.Context, message string) { write(ctx, slog.LevelInfo, line{Message: message}) }

func logError(ctx context.Context, message string, err error) {
	write(ctx, slog.LevelError, line{Message: message, Exception: err.Error()})
}

func write(ctx context.Context, level slog.Level, event line) {
	if level < log.level {
		return
	}
	event.Time = time.Now().UTC().Format("2006-01-02T15:04:05.000-07:00")
	event.Level, event.Service, event.Version = strings.ToLower(level.String()), service, log.version
	call, _ := ctx.Value(callKey{}).(call)
	if own := oteltrace.SpanContextFromContext(ctx); own.IsValid() {
		event.TraceID, event.SpanID = own.TraceID().String(), own.SpanID().String()
	} else if parts := strings.Split(call.traceparent, "-"); len(parts) == 4 {
		event.TraceID, event.SpanID = parts[1], parts[2]
	}
	event.RequestID = call.requestID
	if call.user != "" {
		if hash, err := blake2b.New(8, log.key); err == nil {
			hash.Write([]byte(call.user))
			event.Customer = hex.EncodeToString(hash.Sum(nil))
		}
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text) // ends the line
	encoder.SetEscapeHTML(false)
	if encoder.Encode(event) != nil {
		return
	}
	log.Lock()
	defer log.Unlock()
	os.Stderr.Write(text.Bytes())
}
