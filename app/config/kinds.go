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

	"github.com/gabriel-vasile/mimetype"

	"dossier.example/app/setting"
)

// printable quotes a value for a message, shortened. What holds an @ stays hidden: no setting has one, but an address
// with a password in it, put in the wrong place, does.
func printable(value string) string {
	if strings.Contains(value, "@") {
		return setting.Hidden
	}
	return setting.Quoted(value)
}

// userName takes a MySQL user name. MySQL allows 32 characters
// (https://dev.mysql.com/doc/refman/8.4/en/user-names.html) and more kinds of them, which would only be a trap where
// names are quoted.
func userName() setting.Kind[string] {
	return setting.Text("1 to 32 letters, digits, dots, hyphens and underscores", `[A-Za-z0-9_.-]{1,32}`)
}

// parameterPath takes a Parameter Store path. A name has at most 1,011 characters in 15 levels and does not begin with
// aws or ssm (https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-parameter-name-constraints.html); the
// settings' own names take up to three levels.
func parameterPath() setting.Kind[string] {
	k := setting.Text("a path of 1 to 12 levels such as /dossier/prod: each level a / and letters, digits, dots, "+
		"hyphens or underscores", `(/[A-Za-z0-9_.-]+){1,12}`)
	syntax := k.Parse
	k.Parse = func(s string) (string, error) {
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

// mediaType is a media type (RFC 6838, section 4.2) without parameters, in lower case, or a group of them.
var mediaType = regexp.MustCompile(`^(\*/\*|[a-z]+/(\*|[a-z0-9][a-z0-9!#$&^_.+-]{0,126}))$`)

// typeGroups are the groups of the types that mimetype recognizes.
var typeGroups = []string{"*", "application", "audio", "font", "image", "message", "model", "text", "video"}

// officeTypes are the types of files that people know by their extension.
var officeTypes = map[string]string{
	"doc":  "application/msword",
	"xls":  "application/vnd.ms-excel",
	"ppt":  "application/vnd.ms-powerpoint",
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	"odt":  "application/vnd.oasis.opendocument.text",
	"ods":  "application/vnd.oasis.opendocument.spreadsheet",
	"odp":  "application/vnd.oasis.opendocument.presentation",
	"csv":  "text/csv",
	"txt":  "text/plain",
	"jpg":  "image/jpeg",
}

// recognized refuses a type that no file's bytes are taken for: a site would refuse all such files.
func recognized(one string) error {
	group, name, _ := strings.Cut(one, "/")
	if name == "*" {
		if !slices.Contains(typeGroups, group) {
			return fmt.Errorf("no file is recognized as %s", one)
		}
		return nil
	}
	better := officeTypes[name]
	if found := mimetype.Lookup(one); found != nil {
		base, _, _ := strings.Cut(found.String(), ";")
		if base == one {
			return nil
		}
		better = base
	}
	if better != "" {
		return fmt.Errorf("no file is recognized as %s; write %s", one, better)
	}
	return fmt.Errorf("no file is recognized as %s", one)
}

// fileTypes takes a list of media types, as bytes show them.
func fileTypes() setting.Kind[string] {
	const most = 50
	return setting.Kind[string]{
		Allowed: fmt.Sprintf("up to %d media types separated by commas, such as application/pdf,image/*", most),
		Parse: func(s string) (string, error) {
			types := strings.Split(s, ",")
			for i, one := range types {
				if types[i] = strings.TrimSpace(one); i == most || !mediaType.MatchString(types[i]) {
					return "", setting.ErrNot
				}
				if err := recognized(types[i]); err != nil {
					return "", err
				}
			}
			return strings.Join(types, ","), nil
		},
		Format: setting.Itself,
	}
}

// secret takes a text of at least so many characters.
func secret(least int) setting.Kind[Secret] {
	allowed := "text without control characters or white space at either end"
	if least > 1 {
		allowed = fmt.Sprintf("text of at least %d characters, without control characters or white space at either end",
			least)
	}
	return setting.Kind[Secret]{
		Allowed: allowed,
		Parse: func(s string) (Secret, error) {
			// White space at an end was almost always pasted along; to trim it would make another secret of one that
			// was meant so.
			if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) || strings.TrimSpace(s) != s ||
				utf8.RuneCountInString(s) < least {
				return "", setting.ErrNot
			}
			return Secret(s), nil
		},
		Format: Secret.String,
		Secret: true,
	}
}

// sizeOrNone is size, or 0 for no bound.
func sizeOrNone(most int64, mostShown string) setting.Kind[int64] {
	k := setting.Size(1, most, mostShown)
	parse := k.Parse
	k.Allowed += ", or 0"
	k.Parse = func(s string) (int64, error) {
		if s == "0" {
			return 0, nil
		}
		return parse(s)
	}
	return k
}

// count is number, for what may be more than an int holds everywhere.
func count(least, most int) setting.Kind[int64] {
	k := setting.Number(least, most)
	return setting.Kind[int64]{
		Allowed: k.Allowed,
		Parse:   func(s string) (int64, error) { n, err := k.Parse(s); return int64(n), err },
		Format:  func(n int64) string { return k.Format(int(n)) },
	}
}

// duration takes a time within bounds.
func duration(least, most time.Duration) setting.Kind[time.Duration] {
	return setting.Duration("a duration such as 30s, 5m or 1h30m", time.Nanosecond, least, most)
}

// durationOrOff takes 0 too, for off.
func durationOrOff(least, most time.Duration) setting.Kind[time.Duration] {
	k := duration(least, most)
	k.Allowed += ", or 0 for off"
	within := k.Parse
	k.Parse = func(s string) (time.Duration, error) {
		if d, err := time.ParseDuration(s); err == nil && d == 0 {
			return 0, nil
		}
		return within(s)
	}
	return k
}

// boolean takes what else Go reads as one, too, such as 1 and 0.
func boolean() setting.Kind[bool] {
	k := setting.Boolean()
	k.Parse = func(s string) (bool, error) {
		b, err := strconv.ParseBool(s)
		if err != nil {
			return false, setting.ErrNot
		}
		return b, nil
	}
	return k
}

// logLevel takes one of slog's levels.
func logLevel() setting.Kind[slog.Level] {
	words := setting.OneOf("debug", "info", "warn", "error")
	return setting.Kind[slog.Level]{
		Allowed: "debug, info, warn or error",
		Parse: func(s string) (slog.Level, error) {
			word, err := words.Parse(strings.ToLower(s))
			if err != nil {
				return 0, err
			}
			var level slog.Level
			return level, level.UnmarshalText([]byte(word))
		},
		Format: func(l slog.Level) string { return strings.ToLower(l.String()) },
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
func hostName() setting.Kind[string] {
	return setting.Kind[string]{
		Allowed: "a host name or an IP address, without a port and without a scheme",
		Parse: func(s string) (string, error) {
			if !isHost(s) {
				return "", setting.ErrNot
			}
			return s, nil
		},
		Format: setting.Itself,
	}
}

// socket is where a daemon listens: unix:/path or tcp:host:port.
func socket() setting.Kind[string] {
	k := setting.Text("unix: and an absolute path, or tcp:, a host and a port", `unix:/[^\x00-\x1f\x7f]+|tcp:.+`)
	parse := k.Parse
	k.Parse = func(value string) (string, error) {
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
func listenAddress() setting.Kind[string] {
	return setting.Kind[string]{
		Allowed: "host:port, such as localhost:8080 or :8080, with a port from 0 to 65535",
		Parse: func(s string) (string, error) {
			host, port, err := net.SplitHostPort(s)
			if err != nil || host != "" && !isHost(host) {
				return "", setting.ErrNot
			}
			n, err := strconv.ParseUint(port, 10, 16)
			if err != nil {
				return "", setting.ErrNot
			}
			return net.JoinHostPort(host, strconv.FormatUint(n, 10)), nil
		},
		Format: setting.Itself,
	}
}

// origin takes what browsers call an origin: scheme, host and port, and nothing else.
func origin() setting.Kind[string] {
	return setting.Kind[string]{
		Allowed: "an origin such as https://files.example.org: http or https, an ASCII host, an optional port, no path",
		Parse: func(s string) (string, error) {
			u, err := url.Parse(s)
			if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "" || u.User != nil ||
				u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#") {
				return "", setting.ErrNot
			}
			host, port := u.Hostname(), u.Port()
			if ip, err := netip.ParseAddr(host); err == nil && ip.Zone() != "" || !isHost(host) {
				return "", setting.ErrNot
			}
			if port != "" {
				n, err := strconv.ParseUint(port, 10, 16)
				if err != nil || n == 0 {
					return "", setting.ErrNot
				}
				port = strconv.FormatUint(n, 10)
			}
			return canonicalOrigin(u.Scheme, host, port), nil
		},
		Format: setting.Itself,
	}
}

// origins takes a list of origins.
func origins() setting.Kind[[]string] {
	one := origin()
	return setting.Kind[[]string]{
		Allowed: "a list of origins separated by commas, such as https://www.example.org,https://app.example.org: " +
			"each http or https, an ASCII host, an optional port, no path",
		Parse: func(s string) ([]string, error) {
			var all []string
			for text := range strings.SplitSeq(s, ",") {
				text = strings.TrimSpace(text)
				o, err := one.Parse(text)
				if err != nil {
					return nil, fmt.Errorf("%s is not an origin", printable(text))
				}
				if !slices.Contains(all, o) {
					all = append(all, o)
				}
			}
			return all, nil
		},
		Format: func(all []string) string { return strings.Join(all, ",") },
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
func prefixes() setting.Kind[[]netip.Prefix] {
	return setting.Kind[[]netip.Prefix]{
		Allowed: "a list of CIDR blocks or addresses separated by commas, such as 10.0.0.0/16,2001:db8::/32",
		Parse: func(s string) ([]netip.Prefix, error) {
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
		Format: func(list []netip.Prefix) string {
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
func certificateFile() setting.Kind[string] {
	return setting.Kind[string]{
		Allowed: "the path of a readable PEM file that contains certificates",
		Parse: func(path string) (string, error) {
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
		Format: setting.Itself,
	}
}
