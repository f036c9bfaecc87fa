package main

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"dossier.example/app"
	"dossier.example/app/bounds"
)

// metricsEvery is how often numbers are logged: the resolution of the alarms that the stack makes of them.
const metricsEvery = time.Minute

// metricsLoop logs, once at the start and then every so often, a line of the message "metrics" whose attributes are
// numbers. The log is the one carrier of the app's own metrics: the stack makes metrics of these lines, and who runs
// the program alone can read them. Each instance tells the same of the stores that all share, and its own load.
func metricsLoop(ctx context.Context, svc *dossier.Service, load func() bounds.Load, log *slog.Logger) {
	for {
		var numbers []slog.Attr
		custody, err := svc.Custody(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Warn("metrics of the stores could not be read", "err", err)
		default:
			numbers = custody.Metrics(time.Now())
		}
		l := load()
		log.LogAttrs(ctx, slog.LevelInfo, "metrics", slices.Concat(numbers, l.Metrics(), []slog.Attr{l.AtOnce()})...)
		select {
		case <-ctx.Done():
			return
		case <-time.After(metricsEvery):
		}
	}
}
