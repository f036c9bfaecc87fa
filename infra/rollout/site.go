package rollout

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// answers is how many times in a row the site must answer 200: each request has a connection of its own, so that
	// the load balancer chooses a target each time.
	answers = 5
	// answerEvery is the pause between two requests, siteEvery the pause after one that failed.
	answerEvery, siteEvery = time.Second, 5 * time.Second
	// answerTimeout bounds one request.
	answerTimeout = 10 * time.Second
	// siteTimeout bounds the whole. Instances that the load balancer finds healthy answer at once; only a new name or
	// certificate takes longer.
	siteTimeout = 10 * time.Minute
	// answerShown is how much of a wrong answer is shown, in bytes.
	answerShown = 300
)

var errSite = fmt.Errorf("the site did not respond as expected for %s", siteTimeout)

// siteError is a site that did not answer as it should until the time was up.
type siteError struct{ address, problem string }

func (e *siteError) Error() string {
	return fmt.Sprintf("%s did not return 200 %d times in a row: %s", e.address, answers, e.problem)
}

// siteClient returns a client of its own: with time-outs, no reused connection, no redirect followed (a redirect is not
// the page).
func siteClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.DisableKeepAlives = true
		own.TLSHandshakeTimeout = answerTimeout
		own.ResponseHeaderTimeout = answerTimeout
		own.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		transport = own
	}
	return &http.Client{
		Transport: transport,
		Timeout:   answerTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// askSite asks /readyz through the load balancer.
func (r *run) askSite(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, siteTimeout, errSite)
	defer cancel()
	address := r.site.String()
	problem := "it was not checked yet"
	for streak := 0; streak < answers; {
		pause := answerEvery
		if now := r.askOnce(ctx, address); now == "" {
			streak++
		} else if ctx.Err() == nil {
			problem, streak, pause = now, 0, siteEvery
			r.progress("%s: %s", address, problem)
		}
		if streak < answers {
			if err := sleep(ctx, pause); err != nil {
				if errors.Is(err, errInterrupted) {
					return err
				}
				return &siteError{address, problem}
			}
		}
	}
	r.result.Asked = address
	r.progress("%s returned 200 %d times in a row", address, answers)
	return nil
}

// askOnce returns what is wrong with one answer, or nothing.
func (r *run) askOnce(ctx context.Context, address string) (problem string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err.Error()
	}
	request.Header.Set("Cache-Control", "no-cache")
	response, err := r.client.Do(request)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, answerShown))
	switch {
	case response.StatusCode != http.StatusOK && response.Header.Get("Location") != "":
		return fmt.Sprintf("%s to %s: use the final address as --url", response.Status, response.Header.Get("Location"))
	case response.StatusCode != http.StatusOK:
		return fmt.Sprintf("%s: %q", response.Status, body)
	case err != nil:
		return "reading the answer: " + err.Error()
	default:
		return ""
	}
}
