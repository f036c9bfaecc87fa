// Package prove compares a stack that was deployed with what its settings ask for: every point that a program can see
// from outside, by calls of AWS that only read and by requests to the site. docs/verification.md lists the points, and
// keeps those that a program cannot see. cmd/prove is its command line, and "make prove" calls that.
//
// A point that the caller may not ask about is not seen, which is neither a pass nor a failure: the report names the
// action that an IAM policy would have to allow.
package prove

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"dossier.example/infra/internal/refusal"
	"dossier.example/infra/preflight"
)

// The results of a point.
const (
	// Proven: it is as it should be.
	Proven = "proven"
	// Wrong: it is not.
	Wrong = "wrong"
	// Unseen: it could not be looked at.
	Unseen = "not seen"
	// Skipped: the settings do not ask for it.
	Skipped = "does not apply"
)

// Point is one line of a report.
type Point struct {
	// ID names the point, such as "database/encrypted"; docs/verification.md lists all.
	ID string `json:"id"`
	// Says is the point in a sentence.
	Says   string `json:"says"`
	Result string `json:"result"`
	// Seen is what AWS or the site answered, Expected what the settings ask for.
	Seen     string `json:"seen"`
	Expected string `json:"expected"`
	// Mend is what to do; empty where nothing is to be done.
	Mend string `json:"mend,omitempty"`
}

// Network is the way from this machine to the site and the hosts.
type Network interface {
	// RoundTrip sends one request and follows no redirect.
	http.RoundTripper
	// LookupHost returns the addresses of a name.
	LookupHost(ctx context.Context, name string) ([]string, error)
	// Dial opens a TCP connection and closes it.
	Dial(ctx context.Context, address string) error
	// Handshake opens a TLS connection with no newer version than this and returns the one that was agreed on.
	Handshake(ctx context.Context, address string, newest uint16) (uint16, error)
}

// Prover proves one stack.
type Prover struct {
	Config aws.Config
	Stack  Stack
	// Network is nil for the network itself, DNS for the system's resolver.
	Network Network
	DNS     preflight.Resolver
	// Now is nil for the clock.
	Now func() time.Time
}

// timeouts: of one point, and how many are asked about at once, so that AWS does not throttle.
const (
	pointTimeout = time.Minute
	atOnce       = 6
)

// answer is what a check found.
type answer struct {
	seen, expected string
	wrong          bool
	// skip says why the settings do not ask for it.
	skip string
}

// check is one point and how it is looked at.
type check struct {
	id, says, mend string
	look           func(ctx context.Context, l *look) (answer, error)
}

// checks are all, in the order of the report.
func checks() []check {
	return slices.Concat(accountChecks, networkChecks, siteChecks, balancerChecks, hostChecks, groupChecks,
		databaseChecks, storageChecks, tableChecks, parameterChecks, watchChecks)
}

// Points lists all points, as they are before anybody looks.
func Points() []Point {
	var list []Point
	for _, c := range checks() {
		list = append(list, Point{ID: c.id, Says: c.says, Mend: c.mend})
	}
	return list
}

// Prove looks at every point.
func (p Prover) Prove(ctx context.Context) []Point {
	if p.Network == nil {
		p.Network = newInternet()
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	l := newLook(p)
	list := checks()
	points := make([]Point, len(list))
	// Without credentials, or without a way to AWS, each question would wait for its time-out.
	if points[0] = list[0].point(ctx, l); points[0].Result == Unseen {
		for i, c := range list[1:] {
			points[i+1] = Point{ID: c.id, Says: c.says, Result: Unseen, Seen: "not checked: see " + list[0].id}
		}
		return points
	}
	var all sync.WaitGroup
	turns := make(chan struct{}, atOnce)
	for i, c := range list {
		if i == 0 {
			continue
		}
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			points[i] = c.point(ctx, l)
		})
	}
	all.Wait()
	return points
}

func (c check) point(ctx context.Context, l *look) Point {
	ctx, cancel := context.WithTimeoutCause(ctx, pointTimeout, fmt.Errorf("no answer within %s", pointTimeout))
	defer cancel()
	point := Point{ID: c.id, Says: c.says, Mend: c.mend}
	found, err := c.look(ctx, l)
	point.Seen, point.Expected = found.seen, found.expected
	action, denied := refusal.Denied(err)
	switch {
	case denied:
		point.Result, point.Seen, point.Mend = Unseen, "not checked: access denied, needs "+action,
			"grant "+action+" to the credentials in use"
	case refusal.Absent(err):
		point.Result, point.Seen = Wrong, cmp.Or(point.Seen, shortened(err))
	case err != nil && ctx.Err() != nil:
		point.Result, point.Seen, point.Mend = Unseen, "not checked: "+context.Cause(ctx).Error(), "run it again"
	case err != nil:
		point.Result, point.Seen, point.Mend = Unseen, "not checked: "+shortened(err), "run it again"
	case found.skip != "":
		point.Result, point.Seen, point.Mend = Skipped, found.skip, ""
	case found.wrong:
		point.Result, point.Seen = Wrong, cmp.Or(point.Seen, "nothing")
	default:
		point.Result, point.Mend = Proven, ""
	}
	return point
}

// equal is the answer where one value has to be another.
func equal[T any](seen, expected T) (answer, error) {
	a := answer{seen: fmt.Sprint(seen), expected: fmt.Sprint(expected)}
	a.wrong = a.seen != a.expected
	return a, nil
}

// without is the answer where nothing may be wrong: problems is what is.
func without(problems []string, expected string) (answer, error) {
	if len(problems) == 0 {
		return answer{seen: expected, expected: expected}, nil
	}
	slices.Sort(problems)
	return answer{seen: strings.Join(problems, "; "), expected: expected, wrong: true}, nil
}

// holds is the answer to a question of yes or no.
func holds(ok bool, seen, expected string) (answer, error) {
	return answer{seen: seen, expected: expected, wrong: !ok}, nil
}

func skip(why string) (answer, error) { return answer{skip: why}, nil }

// once has a question asked one time only, for all points that need its answer.
func once[T any](ask func(context.Context) (T, error)) func(context.Context) (T, error) {
	var (
		mu    sync.Mutex
		asked bool
		value T
		err   error
	)
	return func(ctx context.Context) (T, error) {
		mu.Lock()
		defer mu.Unlock()
		if !asked {
			value, err = ask(ctx)
			asked = ctx.Err() == nil // who was interrupted does not answer for the others
		}
		return value, err
	}
}

// internet is the network as it is.
type internet struct {
	transport *http.Transport
	dialer    net.Dialer
	// roots are the authorities of a handshake; nil means those of the system.
	roots *x509.CertPool
}

// dialTimeout bounds one connection: what is closed by a security group does not answer at all.
const dialTimeout = 5 * time.Second

func newInternet() *internet {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	transport.TLSHandshakeTimeout, transport.ResponseHeaderTimeout = dialTimeout, 15*time.Second
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	return &internet{transport: transport, dialer: net.Dialer{Timeout: dialTimeout}}
}

func (n *internet) RoundTrip(r *http.Request) (*http.Response, error) {
	return n.transport.RoundTrip(r)
}

func (n *internet) LookupHost(ctx context.Context, name string) ([]string, error) {
	return net.DefaultResolver.LookupHost(ctx, name)
}

func (n *internet) Dial(ctx context.Context, address string) error {
	connection, err := n.dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return connection.Close()
}

func (n *internet) Handshake(ctx context.Context, address string, newest uint16) (uint16, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return 0, err
	}
	// An old version is offered on purpose: it has to be refused.
	dialer := tls.Dialer{NetDialer: &n.dialer,
		Config: &tls.Config{ServerName: host, RootCAs: n.roots, MinVersion: tls.VersionTLS10, MaxVersion: newest}}
	connection, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return 0, err
	}
	defer func() { _ = connection.Close() }()
	return connection.(*tls.Conn).ConnectionState().Version, nil
}
