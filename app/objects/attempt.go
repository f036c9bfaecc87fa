package objects

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// attemptDeadline bounds each single attempt of a request, inside the SDK's loop of retries, so that one connection
// that hangs (a host that went away, a lost packet) is given up while there is still time for another. The transport's
// own time limits do not cover the sending of a body or the reading of an answer.
type attemptDeadline struct {
	// time returns the limit for an operation of the SDK.
	time func(operation string) time.Duration
	// skew is set to how far the server's clock is ahead of this machine's, in nanoseconds.
	skew *atomic.Int64
}

// ID implements middleware.FinalizeMiddleware.
func (attemptDeadline) ID() string { return "DossierAttemptDeadline" }

// HandleFinalize implements middleware.FinalizeMiddleware.
func (d attemptDeadline) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	operation := awsmiddleware.GetOperationName(ctx)
	limit := d.time(operation)
	attempt, cancel := context.WithCancel(ctx)
	timer := time.AfterFunc(limit, cancel)
	out, metadata, err := next.HandleFinalize(attempt, in)
	expired := !timer.Stop()
	if skew, ok := awsmiddleware.GetAttemptSkew(metadata); ok {
		d.skew.Store(int64(skew))
	}
	// The body of an object that was found is read later, in this same context; the one above it ends with the body's
	// Close.
	if operation == "GetObject" && err == nil && !expired {
		return out, metadata, nil
	}
	cancel()
	if expired && (err != nil || operation == "GetObject") {
		err = attemptTimeout{operation, limit}
	}
	return out, metadata, err
}

// attemptTimeout is an attempt that took too long. It does not wrap the SDK's error, which looks like a caller's cancel
// and so would not be tried again.
type attemptTimeout struct {
	operation string
	limit     time.Duration
}

// Error implements error.
func (e attemptTimeout) Error() string {
	return fmt.Sprintf("%s: no answer within %s", e.operation, e.limit)
}

// Timeout makes the SDK try again.
func (attemptTimeout) Timeout() bool { return true }
