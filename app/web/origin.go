package web

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
)

// hostname is a name as DNS has it, or an IPv4 address, without a port.
var hostname = regexp.MustCompile(`^` + label + `(?:\.` + label + `)*\.?$`)

const label = `[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?`

// origin returns the origin of links that leave the site, for the one who asked. Where nobody said what it is
// (Options.OriginOfRequest), it is what the request was sent to: the address that got this browser here gets it here
// again. The client chooses that, but only the client sees the answer, which nothing on the way may keep (no-store);
// what is no host at all is not repeated.
func (s *Server) origin(c echo.Context) string {
	host := c.Request().Host
	if !s.o.OriginOfRequest || !isHost(host) {
		return s.o.PublicURL
	}
	return "http://" + host
}

// isHost reports whether text is a host, with a port or without, as it stands in a URL (RFC 3986, section 3.2.2).
func isHost(text string) bool {
	const longest = 253 + len(":65535") // a name of DNS (RFC 1035, section 2.3.4)
	if text == "" || len(text) > longest {
		return false
	}
	host := text
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		port, err := strconv.ParseUint(text[i+1:], 10, 16)
		if err != nil || port == 0 || text[i+1] == '+' {
			return false
		}
		host = text[:i]
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		ip, err := netip.ParseAddr(inner)
		return closed && err == nil && ip.Is6() && ip.Zone() == ""
	}
	return hostname.MatchString(host)
}
