package web

import (
	"container/list"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"dossier.example/app"
)

// Rate is how many requests one client may make.
type Rate struct {
	// PerMinute is how many in the long run; 0: no limit.
	PerMinute float64
	// Burst is how many at once; at least 1.
	Burst int
}

// limited refuses clients that ask more often than r allows, by their address, with 429 and Retry-After.
func (s *Server) limited(r Rate) echo.MiddlewareFunc {
	if r.PerMinute <= 0 {
		return func(next echo.HandlerFunc) echo.HandlerFunc { return next }
	}
	l := newLimiter(r)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := s.take(c, l); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// take takes a token of the request's client from a limiter, or refuses with 429 and Retry-After.
func (s *Server) take(c echo.Context, l *limiter) error {
	wait := l.take(s.client(c), s.now())
	if wait <= 0 {
		return nil
	}
	c.Response().Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	// Rounded up, and not to the split second: who comes then is not refused again.
	wait = (wait + time.Second - 1).Truncate(time.Second)
	return dossier.Errorf(codeLimited, nil, "Too many attempts from your network. Try again in %s.", inWords(wait))
}

// rememberedClients bounds a limiter's memory: about 3 MB. Who has been quiet longest is forgotten first, and has most
// likely regained a full burst by then.
const rememberedClients = 10_000

// limiter is a token bucket for each client.
type limiter struct {
	rate rate.Limit
	// burst at least 1: less would refuse everybody for ever.
	burst int

	mu      sync.Mutex
	clients map[netip.Prefix]*list.Element
	recent  *list.List // of *client, the latest first
}

type client struct {
	block  netip.Prefix
	bucket *rate.Limiter
}

func newLimiter(r Rate) *limiter {
	return &limiter{
		rate: rate.Limit(r.PerMinute / 60), burst: max(r.Burst, 1),
		clients: map[netip.Prefix]*list.Element{}, recent: list.New(),
	}
}

// take takes a token and returns 0, or takes none and returns how long until there is one.
func (l *limiter) take(block netip.Prefix, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.clients[block]
	if ok {
		l.recent.MoveToFront(e)
	} else {
		if l.recent.Len() >= rememberedClients {
			oldest := l.recent.Back()
			delete(l.clients, oldest.Value.(*client).block)
			l.recent.Remove(oldest)
		}
		e = l.recent.PushFront(&client{block, rate.NewLimiter(l.rate, l.burst)})
		l.clients[block] = e
	}
	r := e.Value.(*client).bucket.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// addressBlock returns what counts as one client: an IPv4 address, or the /64 of an IPv6 address, which is what one
// customer gets at least (RFC 6177). An address that cannot be read shares one bucket with all others of the kind.
func addressBlock(address string) netip.Prefix {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	block, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return block
}

// clientAddress returns what finds a request's client address. X-Forwarded-For is read from the right, past trusted
// proxies only: whatever stands left of the first address that is not trusted was written by the client.
func clientAddress(trusted []netip.Prefix) func(*http.Request) string {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	// Echo trusts private networks unless told not to; here only what is listed.
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range trusted {
		p = p.Masked()
		options = append(options, echo.TrustIPRange(&net.IPNet{
			IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
		}))
	}
	extract := echo.ExtractIPFromXFFHeader(options...)
	return func(r *http.Request) string {
		forwarded := strings.Split(strings.Join(r.Header[echo.HeaderXForwardedFor], ","), ",")
		for i, address := range forwarded {
			// Azure's Application Gateway and IIS write the port as well.
			if with, err := netip.ParseAddrPort(strings.TrimSpace(address)); err == nil {
				forwarded[i] = with.Addr().String()
			}
		}
		return extract(&http.Request{RemoteAddr: r.RemoteAddr,
			Header: http.Header{echo.HeaderXForwardedFor: forwarded}})
	}
}
