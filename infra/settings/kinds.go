package settings

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"dossier.example/app/setting"
)

// optional takes an empty text too, as not set.
func optional[T any](k setting.Kind[T]) setting.Kind[T] {
	parse := k.Parse
	k.Parse = func(s string) (T, error) {
		if s == "" {
			var none T
			return none, nil
		}
		return parse(s)
	}
	return k
}

// list takes up to so many different items; nothing is an empty list. A message names an item by its place.
func list[T comparable](allowed string, most int, parse func(string) (T, error),
	format func(T) string) setting.Kind[[]T] {
	return setting.Kind[[]T]{
		Allowed: allowed,
		List:    true,
		Parse: func(s string) ([]T, error) {
			if s == "" {
				return nil, nil
			}
			var all []T
			for text := range strings.SplitSeq(s, ",") {
				item, err := parse(strings.TrimSpace(text))
				switch {
				case errors.Is(err, setting.ErrNot):
					return nil, fmt.Errorf("item %d is invalid", len(all)+1)
				case err != nil:
					return nil, fmt.Errorf("item %d is invalid: %w", len(all)+1, err)
				case slices.Contains(all, item):
					return nil, fmt.Errorf("item %d is a duplicate", len(all)+1)
				}
				all = append(all, item)
			}
			if len(all) > most {
				return nil, fmt.Errorf("there are %d items", len(all))
			}
			return all, nil
		},
		Format: func(all []T) string {
			texts := make([]string, len(all))
			for i, item := range all {
				texts[i] = format(item)
			}
			return strings.Join(texts, ",")
		},
	}
}

// numberOf takes one of some whole numbers.
func numberOf(allowed string, numbers ...int) setting.Kind[int] {
	return setting.Whole(allowed, func(n int) bool { return slices.Contains(numbers, n) })
}

// fraction takes a number within bounds, whole or not.
func fraction(least, most float64) setting.Kind[float64] {
	form := regexp.MustCompile(`^[0-9]{1,10}(\.[0-9]{1,10})?$`)
	format := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	return setting.Kind[float64]{
		Allowed: fmt.Sprintf("a number from %s to %s", format(least), format(most)),
		Parse: func(s string) (float64, error) {
			f, err := strconv.ParseFloat(s, 64)
			if err != nil || !form.MatchString(s) || f < least || f > most {
				return 0, setting.ErrNot
			}
			return f, nil
		},
		Format: format,
	}
}

// duration takes a time within bounds. AWS and systemd count in whole seconds.
func duration(least, most time.Duration) setting.Kind[time.Duration] {
	return setting.Duration("a time in whole seconds such as 90s, 5m or 1h30m", time.Second, least, most)
}

// instanceType takes an EC2 instance type of a Graviton family: the digit of the generation is followed by a g. The
// first generation, a1, has none: Amazon Linux 2023 does not run on it
// (https://docs.aws.amazon.com/linux/al2023/ug/system-requirements.html). The sizes below medium are those of the
// burstable families alone, and bare metal takes longer to boot than BootTimeout is for.
func instanceType() setting.Kind[string] {
	return setting.Text("a type of a Graviton (arm64) family such as t4g.small, m7g.large or c7gn.xlarge, not of "+
		"bare metal",
		`t[4-9]g\.(nano|micro|small|medium|large|xlarge|2xlarge)|[a-su-z][a-z]{0,2}[1-9]g[a-z]{0,3}\.(medium|large|([2-9]|[1-9][0-9])?xlarge)`)
}

// databaseVersion takes a major version of MySQL: the family of its parameter group is mysql and this. 8.0 left
// standard support on 2026-07-31
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/MySQL.Concepts.VersionMgmt.html).
func databaseVersion() setting.Kind[string] {
	k := setting.Text("a major version of MySQL, two numbers such as 8.4, from 8.4 on", `[1-9][0-9]?\.[0-9]{1,2}`)
	form := k.Parse
	k.Parse = func(s string) (string, error) {
		if _, err := form(s); err != nil {
			return "", err
		}
		before, after, _ := strings.Cut(s, ".")
		major, errMajor := strconv.Atoi(before)
		minor, errMinor := strconv.Atoi(after)
		if errMajor != nil || errMinor != nil || major < 8 || major == 8 && minor < 4 {
			return "", setting.ErrNot
		}
		return s, nil
	}
	return k
}

// databaseClass takes a class whose memory is known: see classMemory.
func databaseClass() setting.Kind[string] {
	families := func(of map[string]float64) string {
		var names []string
		for name := range of {
			names = append(names, name)
		}
		slices.Sort(names)
		return strings.Join(names, ", ")
	}
	return setting.Kind[string]{
		Allowed: fmt.Sprintf("an RDS instance class such as db.t4g.micro or db.m7g.large, of the families %s (micro "+
			"to 2xlarge) and %s (large to 48xlarge)",
			strings.Join(burstable, ", "), families(gibPerVCPU)),
		Parse: func(s string) (string, error) {
			if classMemory(s) == 0 {
				return "", setting.ErrNot
			}
			return s, nil
		},
		Format: setting.Itself,
	}
}

// private are the ranges of RFC 1918.
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
}

// privateBlock takes the block of a VPC. A VPC has a /16 at most
// (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html).
func privateBlock() setting.Kind[netip.Prefix] {
	return setting.Kind[netip.Prefix]{
		Allowed: "an IPv4 block from /16 to /24 within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, such as " +
			"10.0.0.0/16",
		Parse: func(s string) (netip.Prefix, error) {
			p, err := netip.ParsePrefix(s)
			if err != nil || p.Bits() < 16 || p.Bits() > 24 ||
				!slices.ContainsFunc(private, func(r netip.Prefix) bool { return r.Contains(p.Addr()) }) {
				return netip.Prefix{}, setting.ErrNot
			}
			if p != p.Masked() {
				return netip.Prefix{}, errBits
			}
			return p, nil
		},
		Format: netip.Prefix.String,
	}
}

var errBits = errors.New("bits beyond the length of its prefix are set")

const (
	// widestOperators is the shortest prefix for operators: what is wider is no network of one's own but much of the
	// internet.
	widestOperators = 8
	// mostOperators leaves the security group of the jump server below the 60 rules into it that AWS allows unless
	// asked for more
	// (https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups).
	mostOperators = 50
)

// operators takes blocks of addresses.
func operators() setting.Kind[[]netip.Prefix] {
	return list(fmt.Sprintf("a list of up to %d different IPv4 addresses or blocks, each a /%d or narrower, such "+
		"as 203.0.113.0/24", mostOperators, widestOperators), mostOperators,
		func(item string) (netip.Prefix, error) {
			if ip, err := netip.ParseAddr(item); err == nil && ip.Is4() {
				item += "/32"
			}
			p, err := netip.ParsePrefix(item)
			switch {
			case err != nil || !p.Addr().Is4() || p.Bits() < widestOperators:
				return p, setting.ErrNot
			case p != p.Masked():
				return p, errBits
			}
			return p, nil
		}, netip.Prefix.String)
}

// domainForm is a host name of two labels or more, in lower case, whose last does not begin with a digit. longLabel
// tells labels that are longer than DNS allows.
const domainForm = `([a-z0-9]+(-+[a-z0-9]+)*\.)+[a-z]([a-z0-9-]*[a-z0-9])?`

func longLabel(name string) bool {
	return slices.ContainsFunc(strings.Split(name, "."), func(label string) bool { return len(label) > 63 })
}

// maxDomain is the most octets of a certificate's first name
// (https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html).
const maxDomain = 64

func domain() setting.Kind[string] {
	k := setting.Text(fmt.Sprintf("a full host name such as files.example.org, in lower case and ASCII (xn--… for "+
		"others), "+
		"without a scheme and without a trailing dot, at most %d characters", maxDomain), domainForm)
	form := k.Parse
	k.Parse = func(s string) (string, error) {
		switch {
		case len(s) > maxDomain:
			return "", fmt.Errorf("it has %d characters", len(s))
		case longLabel(s):
			return "", setting.ErrNot
		}
		return form(s)
	}
	return k
}

const (
	// maxOrigin is that of a host name in DNS (RFC 1035), with a scheme and a port.
	maxOrigin = len("https://") + 253 + len(":65535")
	// mostOrigins fit into one parameter of Parameter Store's standard tier, which holds 4 KB
	// (https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html).
	mostOrigins = 15
)

// origins takes a list of origins as browsers write them (RFC 6454), because S3 compares texts.
func origins() setting.Kind[[]string] {
	one := regexp.MustCompile(`\A(https?)://(?:` + domainForm + `|localhost)(?::([1-9][0-9]{0,4}))?\z`)
	return list(fmt.Sprintf("a list of up to %d different origins, such as https://www.example.org: each https "+
		"or http, a lower-case ASCII host name, a port unless it is the default, and no trailing slash", mostOrigins),
		mostOrigins, func(item string) (string, error) {
			parts := one.FindStringSubmatch(item)
			if parts == nil || len(item) > maxOrigin || longLabel(item) || !goodPort(parts[1], parts[len(parts)-1]) {
				return "", setting.ErrNot
			}
			return item, nil
		}, setting.Itself)
}

// goodPort tells a port that a browser writes: one that is not the scheme's own.
func goodPort(scheme, port string) bool {
	n, err := strconv.Atoi(cmp.Or(port, "1"))
	return err == nil && n <= 65535 && port != map[string]string{"http": "80", "https": "443"}[scheme]
}

// poolDomain takes the prefix of a user pool's address
// (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html).
func poolDomain() setting.Kind[string] {
	k := setting.Text("1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end, and without "+
		"the words aws, amazon and cognito, such as example-files-staff", `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`)
	form := k.Parse
	k.Parse = func(s string) (string, error) {
		for _, word := range []string{"aws", "amazon", "cognito"} {
			if strings.Contains(s, word) {
				return "", fmt.Errorf("it contains %q", word)
			}
		}
		return form(s)
	}
	return k
}

// email takes a mail address. RFC 5321 gives 64 characters to what stands before the @, and leaves 254 of a path's 256
// to the whole.
func email() setting.Kind[string] {
	k := setting.Text("one email address such as oncall@example.org",
		"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@(?i:"+domainForm+")")
	form := k.Parse
	k.Parse = func(s string) (string, error) {
		if before, after, _ := strings.Cut(s, "@"); len(before) > 64 || len(s) > 254 || longLabel(after) {
			return "", setting.ErrNot
		}
		return form(s)
	}
	return k
}

// What of RDS's memory max_connections may be set for. RDS's own default is {DBInstanceClassMemory/12582880}, where
// DBInstanceClassMemory is the class's memory less what the operating system and RDS take
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections). How much they
// take is not documented; 8 percent and 256 MiB stay below what servers show (66 connections for 1 GiB, 150 for 2, 312
// for 4, 648 for 8).
const (
	bytesPerConnection = 12582880
	takenPercent       = 8
	takenBytes         = 256 << 20
)

// burstable are the families with small sizes, and burstableGiB the memory of these. Others have sizes from large, with
// 2 vCPUs, and gibPerVCPU memory for each vCPU
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Summary.html). Listed are families
// that RDS runs MySQL 8.4 on
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Support.html).
var (
	burstable    = []string{"t3", "t4g"}
	burstableGiB = map[string]float64{"micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32}
	gibPerVCPU   = map[string]float64{
		"m5": 4, "m5d": 4, "m6g": 4, "m6gd": 4, "m6i": 4, "m6id": 4, "m6idn": 4, "m6in": 4, "m7g": 4, "m7i": 4,
		"m8g": 4, "m8gd": 4,
		"r5": 8, "r5b": 8, "r5d": 8, "r6g": 8, "r6gd": 8, "r6i": 8, "r6id": 8, "r6idn": 8, "r6in": 8, "r7g": 8,
		"r7i": 8, "r8g": 8, "r8gd": 8,
		"x2g": 16,
	}
	vCPUs = map[string]float64{
		"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32, "12xlarge": 48, "16xlarge": 64,
		"24xlarge": 96, "32xlarge": 128, "48xlarge": 192,
	}
)

// classMemory returns the memory of a class in GiB, and 0 where it is not known.
func classMemory(class string) float64 {
	rest, ok := strings.CutPrefix(class, "db.")
	family, size, both := strings.Cut(rest, ".")
	switch {
	case !ok || !both:
		return 0
	case slices.Contains(burstable, family):
		return burstableGiB[size]
	}
	return gibPerVCPU[family] * vCPUs[size]
}

// classConnections is the most that max_connections is set to on a class. MySQL on RDS takes 100,000 at most.
func classConnections(class string) int {
	left := classMemory(class)*(1<<30)*(100-takenPercent)/100 - takenBytes
	return int(math.Max(0, math.Min(left/bytesPerConnection, maxConnections)))
}

// maxConnections is the most that RDS takes for max_connections of MySQL.
const maxConnections = 100_000

// hasInsights reports whether RDS has Performance Insights for MySQL on a class: not on the two smallest sizes
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PerfInsights.Overview.Engines.html).
func hasInsights(class string) bool {
	return !strings.HasSuffix(class, ".micro") && !strings.HasSuffix(class, ".small")
}

// zoneNames takes a list of availability zones: a region and a letter. Local zones and wavelength zones, whose names
// are longer, have neither NAT gateways nor RDS.
func zoneNames() setting.Kind[[]string] {
	one := regexp.MustCompile(`\A` + regionForm + `[a-z]\z`)
	return list("a list of different availability zones, such as us-east-1a,us-east-1b", math.MaxInt,
		func(item string) (string, error) {
			if !one.MatchString(item) {
				return "", setting.ErrNot
			}
			return item, nil
		}, setting.Itself)
}
