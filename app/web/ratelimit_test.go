package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	l := newLimiter(Rate{PerMinute: 6, Burst: 3})
	ada, bob := addressBlock("192.0.2.1"), addressBlock("192.0.2.2")
	for i, c := range []struct {
		after time.Duration
		who   netip.Prefix
		wait  time.Duration
	}{
		{0, ada, 0}, {0, ada, 0}, {0, ada, 0},
		{0, ada, 10 * time.Second},
		// A refusal takes nothing: the wait does not grow with the tries.
		{0, ada, 10 * time.Second}, {0, ada, 10 * time.Second},
		{0, bob, 0},
		{4 * time.Second, ada, 6 * time.Second},
		{6 * time.Second, ada, 0}, {0, ada, 10 * time.Second},
		// However long the quiet, a burst is a burst.
		{time.Hour, ada, 0}, {0, ada, 0}, {0, ada, 0}, {0, ada, 10 * time.Second},
		{0, bob, 0}, {0, bob, 0}, {0, bob, 0}, {0, bob, 10 * time.Second},
	} {
		now = now.Add(c.after)
		if got := l.take(c.who, now).Round(time.Millisecond); got != c.wait {
			t.Errorf("step %d: wait is %s, want %s", i, got, c.wait)
		}
	}

	for _, burst := range []int{0, -1, 1} {
		l := newLimiter(Rate{PerMinute: 1, Burst: burst})
		if first, second := l.take(ada, now), l.take(ada, now); first != 0 || second <= 0 {
			t.Errorf("burst %d: waits are %s and %s, want one request", burst, first, second)
		}
	}
}

func TestLimiterForgets(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	l := newLimiter(Rate{PerMinute: 1, Burst: 1})
	block := func(i int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32)
	}
	for i := range rememberedClients {
		l.take(block(i), now)
	}
	// Whoever asks again is not the one to be forgotten, refused or not.
	if l.take(block(0), now) == 0 {
		t.Fatal("the first client was forgotten too early")
	}
	for i := range 500 {
		l.take(block(rememberedClients+i), now)
		if len(l.clients) != rememberedClients || l.recent.Len() != rememberedClients {
			t.Fatalf("%d and %d clients are remembered, want %d", len(l.clients), l.recent.Len(), rememberedClients)
		}
	}
	for i, known := range map[int]bool{0: true, 1: false, 500: false, 501: true, rememberedClients + 499: true} {
		if _, got := l.clients[block(i)]; got != known {
			t.Errorf("client %d is remembered: %t, want %t", i, got, known)
		}
	}
}

func TestAddressBlock(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "::ffff:192.0.2.1": "192.0.2.1/32", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2::": "2001:db8:1:2::/64",
		"2001:db8:1:3::": "2001:db8:1:3::/64", "fe80::1%eth0": "fe80::/64", "::1": "::/64",
		"": "invalid Prefix", "x": "invalid Prefix", "192.0.2.1:80": "invalid Prefix",
	} {
		if got := addressBlock(address).String(); got != want {
			t.Errorf("addressBlock(%q) = %s, want %s", address, got, want)
		}
	}
}

func TestClientAddress(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.7/8"), netip.MustParsePrefix("2001:db8:ffff::/48")}
	for name, c := range map[string]struct {
		trusted   []netip.Prefix
		peer      string
		forwarded []string
		want      string
	}{
		"direct":                               {nil, "192.0.2.1:1234", nil, "192.0.2.1"},
		"direct, header is forged":             {nil, "192.0.2.1:1234", []string{"198.51.100.1"}, "192.0.2.1"},
		"direct from a private network":        {nil, "10.1.1.1:1234", []string{"198.51.100.1"}, "10.1.1.1"},
		"peer is no proxy":                     {proxies, "192.0.2.1:1234", []string{"198.51.100.1"}, "192.0.2.1"},
		"loopback is no proxy unless listed":   {proxies, "127.0.0.1:1234", []string{"198.51.100.1"}, "127.0.0.1"},
		"private is no proxy unless listed":    {proxies, "192.168.0.1:1234", []string{"198.51.100.1"}, "192.168.0.1"},
		"link-local is no proxy unless listed": {proxies, "169.254.0.1:1234", []string{"198.51.100.1"}, "169.254.0.1"},
		"proxy without header":                 {proxies, "10.1.1.1:1234", nil, "10.1.1.1"},
		"proxy":                                {proxies, "10.1.1.1:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		"left is forged": {proxies, "10.1.1.1:1234", []string{"203.0.113.9, 198.51.100.1"},
			"198.51.100.1"},
		"left is forged as a proxy": {proxies, "10.1.1.1:1234", []string{"10.9.9.9, 198.51.100.1"},
			"198.51.100.1"},
		"left is garbage": {proxies, "10.1.1.1:1234", []string{"<script>, 198.51.100.1"},
			"198.51.100.1"},
		"forged in a header of its own": {proxies, "10.1.1.1:1234", []string{"203.0.113.9", "198.51.100.1"},
			"198.51.100.1"},
		"two proxies": {proxies, "10.1.1.1:1234",
			[]string{"203.0.113.9, 198.51.100.1, 10.2.2.2"}, "198.51.100.1"},
		"right is garbage": {proxies, "10.1.1.1:1234", []string{"198.51.100.1, x"}, "10.1.1.1"},
		"IPv6 proxy and client": {proxies, "[2001:db8:ffff::1]:1234", []string{"2001:db8:1::1"},
			"2001:db8:1::1"},
		"with a port": {proxies, "10.1.1.1:1234", []string{"203.0.113.9, 198.51.100.1:5678, 10.2.2.2:80"},
			"198.51.100.1"},
		"IPv6 with a port": {proxies, "10.1.1.1:1234", []string{"[2001:db8:1::1]:443"}, "2001:db8:1::1"},
		"left is forged with a port": {proxies, "10.1.1.1:1234", []string{"203.0.113.9:1", "198.51.100.1"},
			"198.51.100.1"},
		"right is garbage with a port": {proxies, "10.1.1.1:1234", []string{"198.51.100.1, x:1"}, "10.1.1.1"},
		"mapped proxy": {proxies, "[::ffff:10.1.1.1]:1234", []string{"198.51.100.1"},
			"198.51.100.1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = c.peer
			for _, v := range c.forwarded {
				r.Header.Add("X-Forwarded-For", v)
			}
			// No proxy of ours sends these.
			r.Header.Set("X-Real-Ip", "203.0.113.77")
			r.Header.Set("Forwarded", "for=203.0.113.77")
			if got := addressBlock(clientAddress(c.trusted)(r)); got != addressBlock(c.want) {
				t.Errorf("client is %s, want %s", got, c.want)
			}
		})
	}
}

func TestSignInIsLimited(t *testing.T) {
	limit := func(o *Options) { o.SignInRate = Rate{PerMinute: 6, Burst: 3} }
	wrong, right := url.Values{"key": {"x"}}, url.Values{"key": {siteSecret}}
	from := func(address string) map[string]string { return map[string]string{"X-Forwarded-For": address} }
	refused := func(header map[string]string, form url.Values) scenario {
		return scenario{
			path: "/staff/sign-in", form: form, header: header, status: 429,
			want: map[string]string{"Retry-After": "10", "Set-Cookie": ""},
			has:  []string{"Too many attempts", "Try again in 10 seconds.", `id="key"`},
		}
	}
	tries := func(t *testing.T, s *site, header func(i int) map[string]string) {
		t.Helper()
		for i := range 3 {
			s.play(t, scenario{path: "/staff/sign-in", form: wrong, header: header(i), status: 401})
		}
		s.play(t, refused(header(3), wrong))
	}

	t.Run("direct", func(t *testing.T) {
		s := newSite(t, limit)
		// The peer is no proxy: what it says of others counts for nothing.
		tries(t, s, func(i int) map[string]string { return from(fmt.Sprintf("192.0.2.%d", i)) })
		// Whoever knows the key is not locked out, and costs nothing.
		for range 5 {
			s.play(t, scenario{path: "/staff/sign-in", form: right, status: 303})
		}
		s.play(t, scenario{path: "/staff/sign-in", status: 200})
		s.clock.advance(9 * time.Second)
		a := s.play(t, scenario{path: "/staff/sign-in", form: wrong, status: 429})
		if got, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || got != 1 {
			t.Errorf("Retry-After is %q, want the second that is left", a.header.Get("Retry-After"))
		}
		s.clock.advance(time.Second)
		s.play(t, scenario{path: "/staff/sign-in", form: wrong, status: 401})
		s.play(t, refused(nil, wrong))
	})
	proxied := func(o *Options) {
		limit(o)
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}
	t.Run("behind a proxy", func(t *testing.T) {
		s := newSite(t, proxied)
		tries(t, s, func(int) map[string]string { return from("198.51.100.1") })
		s.play(t, scenario{path: "/staff/sign-in", form: right, header: from("198.51.100.2"), status: 303})
	})
	t.Run("behind a proxy, forged on the left", func(t *testing.T) {
		s := newSite(t, proxied)
		tries(t, s, func(i int) map[string]string { return from(fmt.Sprintf("192.0.2.%d, 198.51.100.1", i)) })
	})
	t.Run("IPv6 network", func(t *testing.T) {
		s := newSite(t, proxied)
		tries(t, s, func(i int) map[string]string { return from(fmt.Sprintf("2001:db8:1:2::%d", i+1)) })
		s.play(t, scenario{path: "/staff/sign-in", form: right, header: from("2001:db8:1:3::1"), status: 303})
	})
	t.Run("peer is not the listed proxy", func(t *testing.T) {
		s := newSite(t, limit, func(o *Options) {
			o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		})
		tries(t, s, func(i int) map[string]string { return from(fmt.Sprintf("198.51.100.%d", i)) })
	})
	t.Run("no limit", func(t *testing.T) {
		s := newSite(t)
		for range 50 {
			s.play(t, scenario{path: "/staff/sign-in", form: wrong, status: 401})
		}
	})
}

func TestSubmissionsAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) {
		o.SubmitRate, o.SignInRate = Rate{PerMinute: 2, Burst: 2}, Rate{PerMinute: 60, Burst: 1}
	})
	// Not the form's encoding: a refusal counts too.
	form := url.Values{"name": {"Ada"}}
	for range 2 {
		if a := s.ask(t, scenario{path: "/submissions", form: form}); a.status != 400 {
			t.Fatalf("status %d, want 400", a.status)
		}
	}
	s.play(t, scenario{path: "/submissions", form: form, status: 429, want: map[string]string{"Retry-After": "30"},
		has: []string{"Too many"}})
	s.playAll(t, []scenario{
		{name: "the form itself", path: "/", status: 200},
		{name: "the sign-in has a bucket of its own", path: "/staff/sign-in", form: url.Values{"key": {siteSecret}},
			status: 303},
		{name: "of which a wrong key takes", path: "/staff/sign-in", form: url.Values{"key": {"x"}}, status: 401},
		{name: "and it is another", path: "/staff/sign-in", form: url.Values{"key": {"x"}}, status: 429,
			want: map[string]string{"Retry-After": "1"}},
	})
	s.clock.advance(30 * time.Second)
	s.play(t, scenario{path: "/submissions", form: form, status: 400})
}
