package upload

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
)

// site is a client of the JSON API, and of the object store by the requests that the API signs. It repeats what may go
// better a second time, which is everything: each request may be repeated (docs/api.md).
type site struct {
	base    *url.URL
	receipt string
	http    *http.Client
	// stall is how long a server may take no byte of a part, or give no answer to it.
	stall time.Duration
	// patience is how long nothing at all may succeed.
	patience time.Duration
	// notice is told of a wait, now and then.
	notice func(string)

	// alive is when something succeeded last, in nanoseconds since 1970; zero: nothing yet.
	alive atomic.Int64
	// told is when a wait was told last.
	toldMu sync.Mutex
	told   time.Time
}

const (
	// callTime bounds one try of a call; completeTime that of a completion, which the server itself bounds at ten
	// minutes.
	callTime     = 2 * time.Minute
	completeTime = 11 * time.Minute
	// maxAnswer bounds an answer in bytes. The longest, ten thousand parts of a file, has less than one million.
	maxAnswer = 8 << 20
	// The waits between two tries double from firstWait to mostWait. The lower half of each is certain, the upper one
	// random, so that clients that were cut off together do not come back together.
	firstWait = 250 * time.Millisecond
	mostWait  = 20 * time.Second
	// noticeEvery is how seldom waits are told.
	noticeEvery = 5 * time.Second
	// ownFactor times the patience is how long one request is tried again while others succeed.
	ownFactor = 4
)

func newSite(o Options) *site {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 2 * o.Parallel
	transport.DialContext = (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	return &site{
		base: o.Site,
		// A redirect is an answer like any other: followed, it would turn a POST into a GET, or take the receipt
		// elsewhere.
		http: &http.Client{Transport: transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		stall: o.Stall, patience: o.Patience, notice: o.Notice,
	}
}

// temporary is a failure that may be over at the next try.
type temporary struct {
	error
	// after is how long the server asks to wait at least.
	after time.Duration
	// limited: the server lives, and bounds how often it is asked.
	limited bool
}

func (t temporary) Unwrap() error { return t.error }

// persist does something until it succeeds, fails for good, or patience is over: ErrUnreachable.
func (s *site) persist(ctx context.Context, try func() error) error {
	begun := time.Now()
	for n := 0; ; n++ {
		err := try()
		if err == nil {
			s.alive.Store(time.Now().UnixNano())
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		again, ok := errors.AsType[temporary](err)
		if !ok {
			return err
		}
		wait := min(firstWait<<min(n, 10), mostWait)
		wait = max(wait/2+rand.N(wait/2), again.after+rand.N(firstWait))
		idle := time.Since(begun)
		if last := s.alive.Load(); last != 0 {
			idle = min(idle, time.Since(time.Unix(0, last)))
		}
		switch {
		case idle+wait > s.patience:
			return errorf(CodeUnreachable, err, "%s, and nothing succeeded for %s", again.error, s.patience)
		case !again.limited && time.Since(begun)+wait > ownFactor*s.patience:
			return errorf(CodeRefused, err, "%s on every attempt", again.error)
		}
		s.tell(fmt.Sprintf("%s; retrying in %s", again.error, wait.Round(100*time.Millisecond)))
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

func (s *site) tell(text string) {
	s.toldMu.Lock()
	defer s.toldMu.Unlock()
	if now := time.Now(); now.Sub(s.told) >= noticeEvery {
		s.told = now
		s.notice(text)
	}
}

// call makes a request of the API until it is answered. The answer's JSON is decoded into out, or read by it where it
// is a func(io.Reader) error; nil: there is none.
func (s *site) call(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("write a request: %w", err)
		}
	}
	limit := callTime
	if strings.HasSuffix(path, "/complete") {
		limit = completeTime
	}
	return s.persist(ctx, func() error {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return s.ask(ctx, method, path, body, out)
	})
}

// ask is one try of call.
func (s *site) ask(ctx context.Context, method, path string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, s.base.JoinPath(api.Prefix, path).String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make a request: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if s.receipt != "" {
		req.Header.Set("Authorization", "Bearer "+s.receipt)
	}
	res, err := s.http.Do(req)
	if err != nil {
		return s.unanswered("the site", err)
	}
	defer drop(res.Body)
	if res.StatusCode >= 300 {
		return s.refused(res)
	}
	if out == nil {
		return nil
	}
	if mediaType, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";"); mediaType != "application/json" {
		return s.foreign(fmt.Errorf("the site answered with %q instead of JSON", mediaType))
	}
	if read, ok := out.(func(io.Reader) error); ok {
		err = read(res.Body)
	} else {
		err = json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(out)
	}
	if err != nil {
		return temporary{error: fmt.Errorf("the site's answer was cut off: %w", err)}
	}
	return nil
}

// foreign is an answer that this API never gives: a wrong address, if nothing was ever answered as it should be; else
// something in between, such as the sign-in page of a network.
func (s *site) foreign(err error) error {
	if s.alive.Load() == 0 {
		return inputf(err, "%s does not answer like a site of Dossier (%s): check the address", s.base, err)
	}
	return temporary{error: err}
}

// drop reads what is left of a short answer, so that its connection can be used again.
func drop(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 64<<10)
	_ = body.Close()
}

// unanswered is a request that got no answer.
func (s *site) unanswered(who string, err error) error {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err // without the address, which may be a secret
	}
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return inputf(err, "%s has no valid certificate: %s", who, certificate.Err)
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok && name.IsNotFound && s.alive.Load() == 0 {
		return inputf(err, "host %s was not found: check the address and the network", name.Name)
	}
	return temporary{error: fmt.Errorf("%s does not answer: %w", who, err)}
}

// refused is an answer that is a refusal: by the API, or by what stands before it.
func (s *site) refused(res *http.Response) error {
	r := readRefusal(res)
	switch {
	case res.StatusCode < 400:
		to, err := res.Location()
		if err != nil {
			return s.foreign(r)
		}
		return inputf(r, "the site has moved to %s://%s: use that address", to.Scheme, to.Host)
	case again(res.StatusCode):
		return temporary{error: fmt.Errorf("the site %w", told{r}), after: r.after,
			limited: res.StatusCode == http.StatusTooManyRequests}
	case r.problem.Code == "":
		return s.foreign(fmt.Errorf("the site %w", r))
	}
	return r
}

// told writes a refusal as what somebody says.
type told struct{ *refusal }

func (t told) Error() string {
	if t.problem.Detail == "" {
		return t.refusal.Error()
	}
	return fmt.Sprintf("answers %d: %s", t.status, strings.TrimSuffix(t.problem.Detail, "."))
}

func (t told) Unwrap() error { return t.refusal }

// again reports whether a status is that of a refusal that may be over at the next try.
func again(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout:
		return true
	}
	return false
}

func readRefusal(res *http.Response) *refusal {
	r := &refusal{status: res.StatusCode}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 {
		r.after = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(res.Header.Get("Retry-After")); err == nil {
		r.after = max(0, time.Until(at))
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") {
		// What cannot be read is no problem's.
		if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&r.problem); err != nil {
			r.problem = api.Problem{}
		}
	}
	return r
}

// What the object store may say to a part, beside refusals that may be over at the next try.
var (
	// errUnsigned: the signature is over, or not for this request.
	errUnsigned = errors.New("the object store rejected the signature")
	// errDamaged: other bytes arrived than were signed.
	errDamaged = errors.New("the object store received other bytes than were signed")
	// errGone: the file was completed or given up.
	errGone = errors.New("the object store does not know this upload")
)

// put sends a part by a request that the API signed: one try. Each read of the body is a sign of life, and so is the
// answer.
func (s *site) put(ctx context.Context, signed api.SignedPart, size int64, body io.Reader) error {
	ref, err := url.Parse(signed.URL)
	if err != nil {
		return s.foreign(errors.New("the site signed a request that has no address"))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(s.stall, func() { cancel(fmt.Errorf("no data was accepted for %s", s.stall)) })
	defer timer.Stop()
	var content io.Reader = http.NoBody
	if size > 0 {
		content = readerFunc(func(p []byte) (int, error) {
			timer.Reset(s.stall)
			return body.Read(p)
		})
	}
	req, err := http.NewRequestWithContext(ctx, string(signed.Method), s.base.ResolveReference(ref).String(), content)
	if err != nil {
		return s.foreign(errors.New("the site signed a request that cannot be made"))
	}
	req.ContentLength = size
	for name, value := range signed.Headers {
		if !strings.EqualFold(name, "Content-Length") {
			req.Header.Set(name, value)
		}
	}
	if size > expectFrom {
		req.Header.Set("Expect", "100-continue")
	}
	res, err := s.http.Do(req)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return s.unanswered("the object store", err)
	}
	defer drop(res.Body)
	if res.StatusCode < 300 {
		return nil
	}
	r := readRefusal(res)
	r.status = meant(res)
	switch {
	case again(r.status):
		return temporary{error: fmt.Errorf("the object store %w", told{r}), after: r.after,
			limited: r.status == http.StatusTooManyRequests}
	case r.status == http.StatusForbidden:
		return fmt.Errorf("%w: %w", errUnsigned, r)
	case r.status == http.StatusBadRequest, r.status == http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: %w", errDamaged, r)
	case r.status == http.StatusNotFound:
		return fmt.Errorf("%w: %w", errGone, r)
	case r.status == http.StatusRequestEntityTooLarge:
		return errorf(CodeRefused, r, "something in front of the object store, such as a proxy, lets no parts of %s "+
			"through: whoever runs the site must raise its limit", dossier.FormatBytes(size))
	}
	return errorf(CodeRefused, r, "the object store %s", r)
}

// meant returns the status that tells what became of a part. S3 also says 400 where no other bytes than the signed ones
// arrived (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
func meant(res *http.Response) int {
	if res.StatusCode != http.StatusBadRequest {
		return res.StatusCode
	}
	var refused struct{ Code string }
	_ = xml.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&refused) // what is no XML has no code
	switch refused.Code {
	case "RequestTimeout": // nothing arrived for some 20 seconds
		return http.StatusRequestTimeout
	case "ExpiredToken": // that of the credentials that signed
		return http.StatusForbidden
	}
	return res.StatusCode
}

// expectFrom is the size from which a part is sent only when the store has said that it wants it (Expect:
// 100-continue), in bytes. A refusal would else be lost where the store closes the connection while a large part is on
// its way. Below, it would only cost time.
const expectFrom = 1 << 20

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
