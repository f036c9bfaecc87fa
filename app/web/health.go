package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

const (
	// readyFor is how long an answer of the stores is given again: load balancers of several zones ask at once.
	readyFor = 2 * time.Second
	// readyTime bounds one check of the stores. It is below the 5 seconds after which load balancers commonly give up.
	readyTime = 3 * time.Second
)

// health asks the stores how they are, one asker at a time and not too often.
type health struct {
	check func(context.Context) map[string]error

	mu   sync.Mutex
	at   time.Time
	down []string
}

// look returns the names of the stores that are down, sorted, and calls failed for each that was asked just now.
func (h *health) look(ctx context.Context, failed func(name string, err error)) []string {
	if h.check == nil {
		return nil
	}
	// Who comes while somebody asks waits for that answer, at most readyTime.
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.at.IsZero() && time.Since(h.at) < readyFor {
		return h.down
	}
	// The answer is for others too: it does not end with this request.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTime)
	defer cancel()
	results := h.check(ctx)
	h.down = nil
	for _, name := range slices.Sorted(maps.Keys(results)) {
		if err := results[name]; err != nil {
			h.down = append(h.down, name)
			failed(name, err)
		}
	}
	h.at = time.Now()
	return h.down
}

// livez tells that the process answers. It looks at no store: replacing instances does not mend a database.
func (s *Server) livez(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }

// down returns the names of the stores that do not answer, and logs what was learned just now.
func (s *Server) down(c echo.Context) []string {
	ctx := c.Request().Context()
	return s.health.look(ctx, func(name string, err error) {
		s.log.ErrorContext(ctx, "store is not ready", "request_id", requestID(c), "store", name, "err", err)
	})
}

// readyz reports whether requests would be answered well. What is down or full is named only to staff. Full is not
// down: another instance would be as full, and a rollout must not fail for it.
func (s *Server) readyz(c echo.Context) error {
	if s.draining.Load() {
		return c.String(http.StatusServiceUnavailable, "shutting down\n")
	}
	down := s.down(c)
	status, text := http.StatusOK, "ok\n"
	if len(down) > 0 {
		status, text = http.StatusServiceUnavailable, "unavailable\n"
		c.Response().Header().Set("Retry-After", retryAfter)
	}
	full := s.full()
	if len(full) > 0 {
		text += "saturated\n"
	}
	if _, staff, err := s.session(c); staff && err == nil {
		if len(down) > 0 {
			text += "down: " + strings.Join(down, ", ") + "\n"
		}
		if len(full) > 0 {
			text += "full: " + strings.Join(full, ", ") + "\n"
		}
		text += fmt.Sprintf("version: %s\n", s.o.Version)
	}
	return c.String(status, text)
}
