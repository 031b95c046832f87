package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
)

// This file is the life of a gRPC process, as service_kit.server has it: start, health, reflection, drain.

const (
	drain       = time.Second      // in which callers notice that the process leaves
	grace       = 10 * time.Second // in which calls under way end
	mostCalls   = 1_000
	largestCall = 4 << 20
	largestHead = 60 << 10 // room for the violations of a hundred lines
)

// serve answers calls until SIGTERM; then it says NOT_SERVING, waits, and lets calls end.
func serve(listen string, register func(*grpc.Server), name string) error {
	stopping, ignore := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer ignore()
	listener, err := listenOn(listen)
	if err != nil {
		return err
	}
	admission := make(admission, mostCalls)
	server := grpc.NewServer(
		grpc.ChainUnaryInterceptor(admission.unary, tracing, errorsToStatuses),
		grpc.ChainStreamInterceptor(admission.stream),
		grpc.MaxRecvMsgSize(largestCall),
		grpc.MaxHeaderListSize(largestHead),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	)
	register(server)
	healthy := health.NewServer()
	healthpb.RegisterHealthServer(server, healthy)
	healthy.SetServingStatus(name, healthpb.HealthCheckResponse_SERVING)
	reflection.Register(server)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	logInfo(stopping, "serving on "+listen)
	select {
	case err := <-ended:
		return err
	case <-stopping.Done():
	}
	logInfo(context.Background(), "draining")
	healthy.Shutdown()
	time.Sleep(drain)
	forced := time.AfterFunc(grace, server.Stop)
	server.GracefulStop()
	forced.Stop()
	logInfo(context.Background(), "stopped")
	return nil
}

// listenOn takes host:port or unix:/path; a socket that a killed process has left is replaced.
func listenOn(listen string) (net.Listener, error) {
	network, address := "tcp", listen
	if path, ok := strings.CutPrefix(listen, "unix:"); ok {
		network, address = "unix", path
		if about, err := os.Stat(path); err == nil && about.Mode()&os.ModeSocket != 0 {
			if err := os.Remove(path); err != nil {
				return nil, err
			}
		}
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("listen %q: %w", listen, err)
	}
	return listener, nil
}
