package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/cockroachdb/apd/v3"
)

// settings is what the process reads from its environment, once, when it starts: docs/architecture.md.
type settings struct {
	Listen      string // host:port or unix:/path
	DatabaseURL string // carries a password
	Version     string
	LogLevel    slog.Level
	LogHashKey  string
	Endpoint    string // of the OpenTelemetry collector; nothing is traced without one
	Delay       time.Duration
	Rounding    apd.Rounder
}

// roundings holds what ROUNDING may be. `down` is a planted fault, for the scene that finds it.
var roundings = map[string]apd.Rounder{"half-even": apd.RoundHalfEven, "down": apd.RoundDown}

// readSettings names every setting that is not valid.
func readSettings(lookup func(string) (string, bool)) (settings, error) {
	var wrong []error
	get := func(name, fallback string) string {
		if value, ok := lookup(name); ok {
			return value
		}
		return fallback
	}
	found := settings{
		Listen:      get("LISTEN", "127.0.0.1:50051"),
		DatabaseURL: get("DATABASE_URL", ""),
		Version:     get("VERSION", "v1"),
		LogHashKey:  get("LOG_HASH_KEY", ""),
		Endpoint:    get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
	}
	if found.DatabaseURL == "" {
		wrong = append(wrong, errors.New("database_url is missing: use postgresql://role:password@host:port/database"))
	}
	if err := found.LogLevel.UnmarshalText([]byte(get("LOG_LEVEL", "INFO"))); err != nil {
		wrong = append(wrong, fmt.Errorf("log_level: %w", err))
	}
	delay, err := strconv.Atoi(get("OTEL_BSP_SCHEDULE_DELAY", "500"))
	if err != nil || delay <= 0 {
		wrong = append(wrong, errors.New("otel_bsp_schedule_delay is not valid: use milliseconds above 0"))
	}
	found.Delay = time.Duration(delay) * time.Millisecond
	rounding, ok := roundings[get("ROUNDING", "half-even")]
	if !ok {
		wrong = append(wrong, errors.New("rounding is not valid: use half-even, or down for a planted fault"))
	}
	found.Rounding = rounding
	return found, errors.Join(wrong...)
}
