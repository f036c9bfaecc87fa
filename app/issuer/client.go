package issuer

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds what the issuer may answer, in bytes, after decompression. The keys of the largest have some tens of
// kilobytes.
const maxAnswer = 1 << 20

// newClient returns the client that asks the issuer. It follows no redirect: the metadata names each address, and a
// code and the client's secret must not go anywhere else.
func newClient(timeout time.Duration) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: timeout, KeepAlive: 15 * time.Second}).DialContext
	transport.TLSHandshakeTimeout = timeout
	transport.ResponseHeaderTimeout = timeout
	transport.MaxResponseHeaderBytes = 64 << 10
	transport.MaxConnsPerHost = exchanges
	return &http.Client{
		Timeout:   timeout,
		Transport: bounded{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("the issuer redirects, which nothing that this site asks for may do")
		},
	}
}

// bounded refuses answers that are too long, and those that report a failure, unless they say why in a way that is
// understood: package oauth2 does so for what it posts.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if r.Method == http.MethodGet && res.StatusCode >= 400 {
		res.Body.Close()
		return nil, &statusError{r.URL.Redacted(), res.StatusCode}
	}
	res.Body = &boundedBody{res.Body, maxAnswer}
	return res, nil
}

// statusError is an answer that reports a failure.
type statusError struct {
	address string
	status  int
}

// Error implements error.
func (e *statusError) Error() string { return fmt.Sprintf("%s answers %d", e.address, e.status) }

type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("the issuer sends more than %d bytes", maxAnswer)
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// safe reports whether codes and secrets may be sent to an address: by https, or on this machine.
func safe(u *url.URL) bool {
	if u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	here := strings.EqualFold(u.Hostname(), "localhost") || err == nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && here
}
