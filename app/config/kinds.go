package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
)

// kind is how the values of a setting are read and shown.
type kind[T any] struct {
	// allowed continues "must be".
	allowed string
	// parse returns errNot where allowed says all there is to say, or an error whose text says more. The text may
	// repeat the value only through printable, and not at all for a secret.
	parse  func(string) (T, error)
	format func(T) string
	secret bool
}

// errNot says no more than that a value is not what is allowed.
var errNot = errors.New("")

// itself shows a text as it is.
func itself(s string) string { return s }

// printable quotes a value for a message, shortened. What holds an @ stays hidden: no setting has one, but an address
// with a password in it, put in the wrong place, does.
func printable(value string) string {
	const most = 120
	if strings.Contains(value, "@") {
		return hidden
	}
	if len(value) > most {
		return strconv.Quote(strings.ToValidUTF8(value[:most], "")) + "…"
	}
	return strconv.Quote(value)
}

// text takes what matches a pattern.
func text(allowed, pattern string) kind[string] {
	re := regexp.MustCompile(pattern)
	return kind[string]{
		allowed: allowed,
		parse: func(s string) (string, error) {
			if !utf8.ValidString(s) || !re.MatchString(s) {
				return "", errNot
			}
			return s, nil
		},
		format: itself,
	}
}

// userName takes a MySQL user name. MySQL allows 32 characters
// (https://dev.mysql.com/doc/refman/8.4/en/user-names.html) and more kinds of them, which would only be a trap where
// names are quoted.
func userName() kind[string] {
	return text("1 to 32 letters, digits, dots, hyphens and underscores", `^[A-Za-z0-9_.-]{1,32}$`)
}

// parameterPath takes a Parameter Store path. A name has at most 1,011 characters in 15 levels and does not begin with
// aws or ssm (https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-parameter-name-constraints.html); the
// settings' own names take up to three levels.
func parameterPath() kind[string] {
	k := text("a path of 1 to 12 levels such as /dossier/prod: each level a / and letters, digits, dots, hyphens or "+
		"underscores",
		`^(/[A-Za-z0-9_.-]+){1,12}$`)
	syntax := k.parse
	k.parse = func(s string) (string, error) {
		path, err := syntax(strings.TrimSuffix(s, "/"))
		if err != nil {
			return "", err
		}
		if len(path) > 900 {
			return "", errors.New("it is longer than 900 characters")
		}
		if low := strings.ToLower(path); strings.HasPrefix(low, "/aws") || strings.HasPrefix(low, "/ssm") {
			return "", errors.New("AWS reserves names that begin with aws and ssm")
		}
		return path, nil
	}
	return k
}

// secret takes a text of at least so many characters.
func secret(least int) kind[Secret] {
	allowed := "text without control characters or white space at either end"
	if least > 1 {
		allowed = fmt.Sprintf("text of at least %d characters, without control characters or white space at either end",
			least)
	}
	return kind[Secret]{
		allowed: allowed,
		parse: func(s string) (Secret, error) {
			// White space at an end was almost always pasted along; to trim it would make another secret of one that
			// was meant so.
			if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) || strings.TrimSpace(s) != s ||
				utf8.RuneCountInString(s) < least {
				return "", errNot
			}
			return Secret(s), nil
		},
		format: Secret.String,
		secret: true,
	}
}

// number takes a whole number within bounds.
func number(least, most int) kind[int] {
	return kind[int]{
		allowed: fmt.Sprintf("a whole number from %d to %d", least, most),
		parse: func(s string) (int, error) {
			n, err := strconv.Atoi(s)
			if err != nil || n < least || n > most {
				return 0, errNot
			}
			return n, nil
		},
		format: strconv.Itoa,
	}
}

// sizeForm is stricter than the library, which takes a comma for a separator of thousands (so 5,5GB would be 55 GB) and
// a unit without its B (where 5G is read as decimal, while Kubernetes and the shell tools differ).
var sizeForm = regexp.MustCompile(`^(?i:[0-9]{1,20}|[0-9]{1,20}(\.[0-9]{1,20})? ?([kmgt]i?)?b)$`)

// size takes a number of bytes within bounds, in decimal or binary units.
func size(least, most int64, mostShown string) kind[int64] {
	return kind[int64]{
		allowed: fmt.Sprintf("a size such as 5GiB, 500MB or 1048576, from %d byte to %s", least, mostShown),
		parse: func(s string) (int64, error) {
			if !sizeForm.MatchString(s) {
				return 0, errNot
			}
			n, err := humanize.ParseBytes(s)
			if err != nil || n < uint64(least) || n > uint64(most) {
				return 0, errNot
			}
			return int64(n), nil
		},
		format: func(n int64) string { return strconv.FormatInt(n, 10) },
	}
}

// sizeOrNone is size, or 0 for no bound.
func sizeOrNone(most int64, mostShown string) kind[int64] {
	k := size(1, most, mostShown)
	parse := k.parse
	k.allowed += ", or 0"
	k.parse = func(s string) (int64, error) {
		if s == "0" {
			return 0, nil
		}
		return parse(s)
	}
	return k
}

// count is number, for what may be more than an int holds everywhere.
func count(least, most int) kind[int64] {
	k := number(least, most)
	return kind[int64]{
		allowed: k.allowed,
		parse:   func(s string) (int64, error) { n, err := k.parse(s); return int64(n), err },
		format:  func(n int64) string { return k.format(int(n)) },
	}
}

// duration takes a time within bounds.
func duration(least, most time.Duration) kind[time.Duration] {
	return kind[time.Duration]{
		allowed: fmt.Sprintf("a duration such as 30s, 5m or 1h30m, from %s to %s", short(least), short(most)),
		parse: func(s string) (time.Duration, error) {
			d, err := time.ParseDuration(s)
			if err != nil || d < least || d > most {
				return 0, errNot
			}
			return d, nil
		},
		format: short,
	}
}

// durationOrOff takes 0 too, for off.
func durationOrOff(least, most time.Duration) kind[time.Duration] {
	k := duration(least, most)
	k.allowed += ", or 0 for off"
	within := k.parse
	k.parse = func(s string) (time.Duration, error) {
		if d, err := time.ParseDuration(s); err == nil && d == 0 {
			return 0, nil
		}
		return within(s)
	}
	return k
}

// short shows a duration without units that are nought: 6h, not 6h0m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// boolean takes true or false.
func boolean() kind[bool] {
	return kind[bool]{
		allowed: "true or false",
		parse: func(s string) (bool, error) {
			b, err := strconv.ParseBool(s)
			if err != nil {
				return false, errNot
			}
			return b, nil
		},
		format: strconv.FormatBool,
	}
}

// oneOf takes one of some words.
func oneOf[T ~string](words ...T) kind[T] {
	names := make([]string, len(words))
	for i, w := range words {
		names[i] = string(w)
	}
	return kind[T]{
		allowed: strings.Join(names, " or "),
		parse: func(s string) (T, error) {
			for _, w := range words {
				if s == string(w) {
					return w, nil
				}
			}
			return "", errNot
		},
		format: func(v T) string { return string(v) },
	}
}

// logLevel takes one of slog's levels.
func logLevel() kind[slog.Level] {
	words := oneOf("debug", "info", "warn", "error")
	return kind[slog.Level]{
		allowed: "debug, info, warn or error",
		parse: func(s string) (slog.Level, error) {
			word, err := words.parse(strings.ToLower(s))
			if err != nil {
				return 0, err
			}
			var level slog.Level
			return level, level.UnmarshalText([]byte(word))
		},
		format: func(l slog.Level) string { return strings.ToLower(l.String()) },
	}
}

// dnsName takes names with an underscore too: container networks have them.
var dnsName = regexp.MustCompile(
	`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$`)

// isHost reports whether s is a host name in ASCII or an IP address.
func isHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	// What has only digits and dots and is no address would be a host name by the letter, and a typo in fact.
	return len(s) <= 253 && dnsName.MatchString(s) && strings.Trim(s, "0123456789.") != ""
}

// hostName takes a host without port.
func hostName() kind[string] {
	return kind[string]{
		allowed: "a host name or an IP address, without a port and without a scheme",
		parse: func(s string) (string, error) {
			if !isHost(s) {
				return "", errNot
			}
			return s, nil
		},
		format: itself,
	}
}

// socket is where a daemon listens: unix:/path or tcp:host:port.
func socket() kind[string] {
	k := text("unix: and an absolute path, or tcp:, a host and a port", `^(unix:/[^\x00-\x1f\x7f]+|tcp:.+)$`)
	parse := k.parse
	k.parse = func(value string) (string, error) {
		value, err := parse(value)
		if address, ok := strings.CutPrefix(value, "tcp:"); ok && err == nil {
			host, port, split := net.SplitHostPort(address)
			number, bad := strconv.ParseUint(port, 10, 16)
			if split != nil || bad != nil || number == 0 || !isHost(host) && net.ParseIP(host) == nil {
				return "", errors.New("")
			}
		}
		return value, err
	}
	return k
}

// listenAddress takes host:port.
func listenAddress() kind[string] {
	return kind[string]{
		allowed: "host:port, such as localhost:8080 or :8080, with a port from 0 to 65535",
		parse: func(s string) (string, error) {
			host, port, err := net.SplitHostPort(s)
			if err != nil || host != "" && !isHost(host) {
				return "", errNot
			}
			n, err := strconv.ParseUint(port, 10, 16)
			if err != nil {
				return "", errNot
			}
			return net.JoinHostPort(host, strconv.FormatUint(n, 10)), nil
		},
		format: itself,
	}
}

// origin takes what browsers call an origin: scheme, host and port, and nothing else.
func origin() kind[string] {
	return kind[string]{
		allowed: "an origin such as https://files.example.org: http or https, an ASCII host, an optional port, no path",
		parse: func(s string) (string, error) {
			u, err := url.Parse(s)
			if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "" || u.User != nil ||
				u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#") {
				return "", errNot
			}
			host, port := u.Hostname(), u.Port()
			if ip, err := netip.ParseAddr(host); err == nil && ip.Zone() != "" || !isHost(host) {
				return "", errNot
			}
			if port != "" {
				n, err := strconv.ParseUint(port, 10, 16)
				if err != nil || n == 0 {
					return "", errNot
				}
				port = strconv.FormatUint(n, 10)
			}
			return canonicalOrigin(u.Scheme, host, port), nil
		},
		format: itself,
	}
}

// origins takes a list of origins.
func origins() kind[[]string] {
	one := origin()
	return kind[[]string]{
		allowed: "a list of origins separated by commas, such as https://www.example.org,https://app.example.org: " +
			"each http or https, an ASCII host, an optional port, no path",
		parse: func(s string) ([]string, error) {
			var all []string
			for text := range strings.SplitSeq(s, ",") {
				text = strings.TrimSpace(text)
				o, err := one.parse(text)
				if err != nil {
					return nil, fmt.Errorf("%s is not an origin", printable(text))
				}
				if !slices.Contains(all, o) {
					all = append(all, o)
				}
			}
			return all, nil
		},
		format: func(all []string) string { return strings.Join(all, ",") },
	}
}

// canonicalOrigin writes an origin as browsers do (RFC 6454, section 6.2): lower case, no default port.
func canonicalOrigin(scheme, host, port string) string {
	host = strings.ToLower(host)
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" || scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		return scheme + "://" + host
	}
	return scheme + "://" + host + ":" + port
}

// prefixes takes a list of networks and addresses.
func prefixes() kind[[]netip.Prefix] {
	return kind[[]netip.Prefix]{
		allowed: "a list of CIDR blocks or addresses separated by commas, such as 10.0.0.0/16,2001:db8::/32",
		parse: func(s string) ([]netip.Prefix, error) {
			var list []netip.Prefix
			for part := range strings.SplitSeq(s, ",") {
				p, err := parsePrefix(strings.TrimSpace(part))
				if err != nil {
					return nil, err
				}
				list = append(list, p)
			}
			return list, nil
		},
		format: func(list []netip.Prefix) string {
			texts := make([]string, len(list))
			for i, p := range list {
				texts[i] = p.String()
			}
			return strings.Join(texts, ",")
		},
	}
}

// parsePrefix reads one block, or one address as the block that holds it alone.
func parsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		ip, err := netip.ParseAddr(s)
		if err != nil || ip.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%s is neither a CIDR block nor an address", printable(s))
		}
		p = netip.PrefixFrom(ip, ip.BitLen())
	}
	switch {
	case p.Addr().Is4In6():
		return netip.Prefix{},
			fmt.Errorf("%s is an IPv4-mapped IPv6 address, which would match no client; write it as IPv4", printable(s))
	case p.Bits() == 0:
		return netip.Prefix{}, fmt.Errorf("%s covers all addresses, so any client could claim any address",
			printable(s))
	case p != p.Masked():
		return netip.Prefix{}, fmt.Errorf("%s has bits beyond its length; the block is %s", printable(s), p.Masked())
	}
	return p, nil
}

// certificateFile takes the path of a file with certificates that can be read now, so that a wrong one is told at the
// start and with the other faults.
func certificateFile() kind[string] {
	return kind[string]{
		allowed: "the path of a readable PEM file that contains certificates",
		parse: func(path string) (string, error) {
			fault := func(err error) error {
				// The path stands in the message already.
				var p *fs.PathError
				if errors.As(err, &p) {
					return p.Err
				}
				return err
			}
			info, err := os.Stat(path)
			if err != nil {
				return "", fault(err)
			}
			if !info.Mode().IsRegular() {
				return "", errors.New("it is not a regular file")
			}
			f, err := os.Open(path)
			if err != nil {
				return "", fault(err)
			}
			defer f.Close()
			// The bundle of all RDS regions has 170 kB.
			const most = 4 << 20
			pem, err := io.ReadAll(io.LimitReader(f, most))
			if err != nil {
				return "", fault(err)
			}
			if !x509.NewCertPool().AppendCertsFromPEM(pem) {
				return "", errors.New("it contains no certificate")
			}
			return path, nil
		},
		format: itself,
	}
}
