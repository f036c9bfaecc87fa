package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/app/bounds"
	"dossier.example/app/setting"
)

// values are settings by their full keys.
type values map[string]any

// object writes values as the JSON that Pulumi hands to the program.
func object(t testing.TB, v values) string {
	t.Helper()
	tree := map[string]any{}
	for name, value := range v {
		group, rest, nested := strings.Cut(name, ".")
		if !nested {
			tree[name] = value
			continue
		}
		if tree[group] == nil {
			tree[group] = map[string]any{}
		}
		tree[group].(map[string]any)[rest] = value
	}
	raw, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

const region = "eu-central-1"

func mustParse(t testing.TB, v values) Settings {
	t.Helper()
	s, err := Parse("test", region, object(t, v))
	if err != nil {
		t.Fatalf("parsing %v: %v", v, err)
	}
	return s
}

// faultsOf returns the faults that an error holds.
func faultsOf(t testing.TB, err error) []Fault {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got the error %v, want an *Error", err)
	}
	return e.Faults
}

// with returns the values and those of more.
func (v values) with(more values) values {
	all := values{}
	for _, m := range []values{v, more} {
		for name, value := range m {
			all[name] = value
		}
	}
	return all
}

// good is a value as it is configured, and what becomes of it.
type good struct{ given, want any }

// keyCase says what one key takes and refuses. beside holds what the good values need to go together.
type keyCase struct {
	name   string
	field  func(Settings) any
	good   []good
	bad    []any
	beside values
}

func keyCases() []keyCase {
	many := func(n int) (list []any) {
		for i := range n {
			list = append(list, fmt.Sprintf("203.0.113.%d", i))
		}
		return list
	}
	prefixes := func(texts ...string) (list []netip.Prefix) {
		for _, text := range texts {
			list = append(list, netip.MustParsePrefix(text))
		}
		return list
	}
	whole := func(name string, field func(Settings) any, least, most int, beside values) keyCase {
		return keyCase{name: name, field: field, beside: beside,
			good: []good{{least, least}, {most, most}, {fmt.Sprint(least), least}, {fmt.Sprintf(" %d\n", most), most}},
			bad: []any{least - 1, most + 1, fmt.Sprint(most + 1), "many", "", 1.5, "1e1", "+1", "٣",
				"99999999999999999999", true, []any{least}}}
	}
	times := func(name string, field func(Settings) any, least, most time.Duration, beside values) keyCase {
		return keyCase{name: name, field: field, beside: beside,
			good: []good{{least.String(), least}, {most.String(), most}},
			bad: []any{"", "5", 300, "soon", "-1s", "1d", "1.5s", (least - time.Second).String(),
				(most + time.Second).String(), (least + time.Millisecond).String()}}
	}
	truth := func(name string, field func(Settings) any, beside values) keyCase {
		return keyCase{name: name, field: field, beside: beside,
			good: []good{{true, true}, {false, false}, {"true", true}, {" false ", false}},
			bad:  []any{"", "yes", "True", 1, 0, "on", []any{}}}
	}
	instances := func(name string, field func(Settings) any, beside values) keyCase {
		c := keyCase{name: name, field: field, beside: beside,
			bad: []any{"", "t3.micro", "t4g", "t4g.", "t4g.24xlarge", "m7i.large", "m7g.nano", "a1.large",
				"g4dn.xlarge", "m7g.metal", "m7g.1xlarge", "M7G.large", "db.t4g.micro", "t4g.micro\n.", 4}}
		for _, kind := range []string{"t4g.nano", "t4g.small", "t4g.2xlarge", "m6g.medium", "m7gd.large",
			"c7gn.16xlarge", "r8g.48xlarge", "im4gn.large", "is4gen.xlarge", "x2gd.medium"} {
			c.good = append(c.good, good{kind, kind})
		}
		return c
	}
	// room is for the largest group and the most connections.
	room := values{"database.class": "db.r8g.48xlarge", "database.connections": 100_000}
	zone := values{"site.domain": "files.example.org", "site.zoneId": "Z1"}
	return []keyCase{
		{name: "preset", field: func(s Settings) any { return s.Preset }, beside: zone,
			good: []good{{"dev", Dev}, {"prod", Prod}},
			bad:  []any{"", "Prod", "production", "staging", 1, map[string]any{"dev": true}}},
		truth("protect", func(s Settings) any { return s.Protect }, zone),

		{name: "network.cidr", field: func(s Settings) any { return s.Network.CIDR },
			good: []good{
				{"10.0.0.0/16", netip.MustParsePrefix("10.0.0.0/16")},
				{"10.255.255.0/24", netip.MustParsePrefix("10.255.255.0/24")},
				{"172.31.0.0/16", netip.MustParsePrefix("172.31.0.0/16")},
				{"192.168.4.0/22", netip.MustParsePrefix("192.168.4.0/22")},
			},
			bad: []any{"", "10.0.0.0", "10.0.0.0/8", "10.0.0.0/15", "10.0.0.0/25", "10.0.0.1/16", "11.0.0.0/16",
				"172.32.0.0/16", "192.169.0.0/16", "100.64.0.0/16", "fd00::/16", "::ffff:10.0.0.0/112",
				"10.0.0.0/016"}},
		whole("network.zones", func(s Settings) any { return s.Network.Zones }, 2, 4, nil),
		{name: "network.zoneNames", field: func(s Settings) any { return s.Network.ZoneNames },
			good: []good{{[]any{"eu-central-1a", "eu-central-1c"}, []string{"eu-central-1a", "eu-central-1c"}},
				{[]any{}, []string(nil)}},
			bad: []any{[]any{"eu-central-1"}, []any{"a", "b"}, []any{"eu-central-1a", "eu-central-1a"},
				[]any{"eu-central-1-ham-1a", "eu-central-1a"}, []any{"eu-central-1a b", "eu-central-1b"}, 2}},
		{name: "network.nat", field: func(s Settings) any { return s.Network.NAT },
			good: []good{{"single", NATSingle}, {"per-zone", NATPerZone}, {"instance", NATInstance}},
			bad:  []any{"", "none", "perZone", "gateway", 1}},
		instances("network.natInstanceType", func(s Settings) any { return s.Network.NATInstanceType },
			values{"network.nat": "instance"}),

		{name: "site.domain", field: func(s Settings) any { return s.Site.Domain },
			beside: values{"site.zoneId": "Z0123456789ABCDEFGHIJ"},
			good: []good{
				{"example.org", "example.org"}, {"a-1.files.example.org", "a-1.files.example.org"},
				{"xn--bcher-kva.example", "xn--bcher-kva.example"},
				{strings.Repeat("a", 60) + ".org", strings.Repeat("a", 60) + ".org"},
			},
			bad: []any{"example", "Files.example.org", "files.example.org.", "https://files.example.org",
				"files.example.org/", "*.example.org", "-a.org", "a-.org", "a..org",
				"a_b.org", "bücher.example", "10.0.0.1", "a.1org", strings.Repeat("a", 61) + ".org",
				strings.Repeat("a", 64) + ".org", "a b.org"}},
		{name: "site.zoneId", field: func(s Settings) any { return s.Site.ZoneID },
			beside: values{"site.domain": "files.example.org"},
			good:   []good{{"Z0123456789ABCDEFGHIJ", "Z0123456789ABCDEFGHIJ"}, {"Z1", "Z1"}},
			bad: []any{"z0123", "/hostedzone/Z0123", "Z", "example.org", "Z01234-6789", "Z" + strings.Repeat("A", 32),
				12345}},
		{name: "site.webAcl", field: func(s Settings) any { return s.Site.WebACL },
			good: []good{
				{"arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/my_acl-1/a1b2c3d4-5678-90ab-cdef-0123456789ab", "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/my_acl-1/a1b2c3d4-5678-90ab-cdef-0123456789ab"},
				{"", ""},
			},
			bad: []any{"my-acl",
				"arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/a1b2c3d4-5678-90ab-cdef-0123456789ab",
				"arn:aws:wafv2:eu-central-1:1234:regional/webacl/a/a1b2c3d4-5678-90ab-cdef-0123456789ab",
				"arn:aws:waf-regional:eu-central-1:123456789012:webacl/a1b2c3d4-5678-90ab-cdef-0123456789ab",
				"arn:aws:wafv2:eu-central-1:123456789012:regional/rulegroup/a/a1b2c3d4-5678-90ab-cdef-0123456789ab"}},
		{name: "site.apiOrigins", field: func(s Settings) any { return s.Site.APIOrigins },
			good: []good{
				{[]any{}, []string(nil)}, {"", []string(nil)},
				{"https://www.example.org", []string{"https://www.example.org"}},
				{[]any{"https://www.example.org", "http://localhost:3000", "https://a-1.xn--bcher-kva.example:8443"},
					[]string{"https://www.example.org", "http://localhost:3000",
						"https://a-1.xn--bcher-kva.example:8443"}},
				{"https://a.example, http://a.example", []string{"https://a.example", "http://a.example"}},
			},
			bad: []any{"*", "null", "www.example.org", "https://", "https://www.example.org/",
				"https://www.example.org/a", "https://www.example.org?a", "https://*.example.org",
				"https://WWW.example.org",
				"HTTPS://www.example.org", "ftp://www.example.org", "https://www.example.org:443",
				"http://www.example.org:80", "https://www.example.org:0", "https://www.example.org:65536",
				"https://www.example.org:080",
				"https://u@www.example.org", "https://www.example.org.", "https://bücher.example", "https://" +
					strings.Repeat("a", 64) + ".org", "https://www.example.org,", []any{""}, []any{nil}, []any{1},
				[]any{"https://a.example", "https://a.example"}, map[string]any{"a": "https://a.example"},
				manyOrigins(16)}},

		instances("service.instanceType", func(s Settings) any { return s.Service.InstanceType }, nil),
		{name: "service.image", field: func(s Settings) any { return s.Service.Image },
			good: []good{{"ami-0123456789abcdef0", "ami-0123456789abcdef0"}, {"ami-01234567", "ami-01234567"},
				{"", ""}},
			bad: []any{"ami-", "ami-xyz", "ami-0123456789ABCDEF0", "al2023", "resolve:ssm:/aws/service/ami",
				"ami-0123456789abcdef01"}},
		whole("service.min", func(s Settings) any { return s.Service.Min }, 1, 100,
			room.with(values{"service.max": 100})),
		whole("service.max", func(s Settings) any { return s.Service.Max }, 1, 100, room),
		whole("service.diskGiB", func(s Settings) any { return s.Service.DiskGiB }, 8, 16384, nil),
		whole("service.cpuTarget", func(s Settings) any { return s.Service.CPUTarget }, 10, 85, nil),
		whole("service.requestsTarget", func(s Settings) any { return s.Service.RequestsTarget }, 1, 1_000_000, nil),
		whole("service.connections", func(s Settings) any { return s.Service.Connections }, 1, 1000, room),
		{name: "service.maxFileSize", field: func(s Settings) any { return s.Service.MaxFileBytes },
			good: []good{
				{"5GiB", int64(5 << 30)}, {"500 mb", int64(500e6)}, {1, int64(1)}, {"1.5KiB", int64(1536)},
				{"0.0005MB", int64(500)}, {"52428800000", int64(bounds.MaxFileBytes)},
				{"50000MiB", int64(bounds.MaxFileBytes)},
			},
			bad: []any{"", "0", "0B", "0.4B", "-1", "52428800001", "49GiB", "5G", "5Gi", "5,5GB", "5 GiB 3", "1e3",
				"0x10", "big", "GiB", "٣GB", "1.5", strings.Repeat("9", 20) + "TB"}},
		{name: "service.maxStoreSize", field: func(s Settings) any { return s.Service.MaxStoreBytes },
			beside: values{"service.maxFileSize": 1},
			good:   []good{{"2TiB", int64(2 << 40)}, {1, int64(1)}, {"1048576TiB", int64(1 << 60)}},
			bad:    []any{"", "0", "-1", "1048577TiB", "2T", "much"}},
		times("service.uploadTimeout", func(s Settings) any { return s.Service.UploadTimeout }, time.Second,
			15*time.Minute-time.Second, values{"service.deregistrationDelay": "15m"}),
		times("service.deregistrationDelay", func(s Settings) any { return s.Service.DeregistrationDelay },
			2*time.Second, 15*time.Minute, values{"service.uploadTimeout": "1s"}),
		times("service.idleTimeout", func(s Settings) any { return s.Service.IdleTimeout }, time.Second, 74*time.Second,
			nil),
		times("service.shutdownTimeout", func(s Settings) any { return s.Service.ShutdownTimeout }, time.Second,
			time.Hour, values{"service.stopTimeout": "2h"}),
		times("service.stopTimeout", func(s Settings) any { return s.Service.StopTimeout }, 21*time.Second, 2*time.Hour,
			values{"service.shutdownTimeout": "1s"}),
		times("service.bootTimeout", func(s Settings) any { return s.Service.BootTimeout }, 3*time.Minute, 2*time.Hour,
			nil),

		{name: "database.class", field: func(s Settings) any { return s.Database.Class },
			good: []good{{"db.t4g.micro", "db.t4g.micro"}, {"db.t3.2xlarge", "db.t3.2xlarge"},
				{"db.m7g.large", "db.m7g.large"}, {"db.r8g.48xlarge", "db.r8g.48xlarge"},
				{"db.x2g.16xlarge", "db.x2g.16xlarge"}},
			bad: []any{"", "t4g.micro", "db.t4g", "db.t4g.nano", "db.t4g.4xlarge", "db.m7g.micro", "db.m7g.medium",
				"db.m3.large", "db.t2.micro", "db.serverless", "db.m7g.3xlarge", "DB.t4g.micro"}},
		{name: "database.version", field: func(s Settings) any { return s.Database.Version },
			good: []good{{"8.4", "8.4"}, {8.4, "8.4"}, {json.Number("9.7"), "9.7"}},
			bad:  []any{"", "8", "8.0", 5.7, "8.4.3", "mysql8.4", "8.", ".4", "08.4"}},
		whole("database.storageGiB", func(s Settings) any { return s.Database.StorageGiB }, 20, 65536, nil),
		whole("database.maxStorageGiB", func(s Settings) any { return s.Database.MaxStorageGiB }, 20, 65536, nil),
		whole("database.connections", func(s Settings) any { return s.Database.Connections }, 21, 100_000,
			values{"database.class": "db.r8g.48xlarge", "service.max": 10, "service.connections": 1}),
		truth("database.allowMajorUpgrade", func(s Settings) any { return s.Database.AllowMajorUpgrade }, nil),
		truth("database.multiAZ", func(s Settings) any { return s.Database.MultiAZ }, nil),
		whole("database.credentials", func(s Settings) any { return s.Database.Credentials }, 1, 9999, nil),
		whole("database.backupDays", func(s Settings) any { return s.Database.BackupDays }, 1, 35, nil),
		truth("database.performanceInsights", func(s Settings) any { return s.Database.PerformanceInsights },
			values{"database.class": "db.t4g.medium"}),

		{name: "jump.operatorCIDRs", field: func(s Settings) any { return s.Jump.OperatorCIDRs },
			good: []good{
				{[]any{}, []netip.Prefix(nil)}, {"", []netip.Prefix(nil)},
				{[]any{"203.0.113.7"}, prefixes("203.0.113.7/32")}, {"203.0.113.0/24", prefixes("203.0.113.0/24")},
				{"203.0.113.7, 198.51.100.0/24", prefixes("203.0.113.7/32", "198.51.100.0/24")},
				{[]any{"10.0.0.0/8", " 203.0.113.0/25 "}, prefixes("10.0.0.0/8", "203.0.113.0/25")},
			},
			bad: []any{"0.0.0.0/0", []any{"0.0.0.0/1"}, []any{"203.0.113.7/24"}, []any{"203.0.113.7", "203.0.113.7/32"},
				[]any{"2001:db8::/32"}, []any{"::ffff:203.0.113.7"}, []any{"office"},
				[]any{""}, []any{nil}, []any{[]any{"203.0.113.7"}}, "203.0.113.7,", map[string]any{"a": "203.0.113.7"},
				many(51)}},
		instances("jump.instanceType", func(s Settings) any { return s.Jump.InstanceType }, nil),

		whole("storage.deletedDays", func(s Settings) any { return s.Storage.DeletedDays }, 1, 3650, nil),
		whole("storage.releaseDays", func(s Settings) any { return s.Storage.ReleaseDays }, 1, 3650, nil),
		whole("storage.accessLogDays", func(s Settings) any { return s.Storage.AccessLogDays }, 1, 3650, nil),
		truth("storage.malwareProtection", func(s Settings) any { return s.Storage.MalwareProtection }, nil),

		{name: "observe.logDays", field: func(s Settings) any { return s.Observe.LogDays },
			good: []good{{1, 1}, {"30", 30}, {3653, 3653}}, bad: []any{0, -1, 2, 31, 3654, "for ever", "", "1.0"}},
		{name: "observe.email", field: func(s Settings) any { return s.Observe.Email },
			good: []good{{"oncall@example.org", "oncall@example.org"},
				{"on.call+dossier@Mail.Example.org", "on.call+dossier@Mail.Example.org"}, {"", ""}},
			bad: []any{"oncall", "oncall@", "@example.org", "oncall@example", "On Call <oncall@example.org>",
				"a@example.org,b@example.org", "a@b@example.org", strings.Repeat("a", 65) + "@example.org", "a@" +
					strings.Repeat("a.", 130) + "org"}},
		whole("observe.errors5xx", func(s Settings) any { return s.Observe.Errors5xx }, 0, 1_000_000, nil),
		{name: "observe.latencySeconds", field: func(s Settings) any { return s.Observe.LatencySeconds },
			good: []good{{0.1, 0.1}, {"2.5", 2.5}, {3600, 3600.0}},
			bad:  []any{0, -1, 0.05, 3601, "", "2,5", "NaN", "Inf", "1e2", "0x1p4", "5s"}},
		whole("observe.databaseCPU", func(s Settings) any { return s.Observe.DatabaseCPU }, 1, 99, nil),
		whole("observe.databaseFreeGiB", func(s Settings) any { return s.Observe.DatabaseFreeGiB }, 1, 65536-1, nil),
		whole("observe.databaseConnectionsPercent",
			func(s Settings) any { return s.Observe.DatabaseConnectionsPercent }, 1, 99, nil),
		whole("observe.scrubDays", func(s Settings) any { return s.Observe.ScrubDays }, 1, maxDays, nil),

		{name: "access.boundary", field: func(s Settings) any { return s.Access.Boundary },
			good: []good{
				{"arn:aws:iam::123456789012:policy/dossier-dev-boundary",
					"arn:aws:iam::123456789012:policy/dossier-dev-boundary"},
				{"arn:aws:iam::123456789012:policy/team/b+1=,.@_-", "arn:aws:iam::123456789012:policy/team/b+1=,.@_-"},
				{"", ""},
			},
			bad: []any{"dossier-dev-boundary", "arn:aws:iam::aws:policy/PowerUserAccess",
				"arn:aws:iam::123456789012:role/dossier-dev-boundary",
				"arn:aws:iam::12345678901:policy/b", "arn:aws:iam::123456789012:policy/",
				"arn:aws:iam::123456789012:policy/a b",
				"arn:aws-cn:iam::123456789012:policy/b", "arn:aws:iam::123456789012:policy/" +
					strings.Repeat("b", 129)}},

		truth("staff.pool", func(s Settings) any { return s.Staff.Pool }, nil),
		{name: "staff.poolDomain", field: func(s Settings) any { return s.Staff.PoolDomain }, beside: values{
			"site.domain": "files.example.org", "site.zoneId": "Z1"},
			good: []good{{"example-files", "example-files"}, {"a", "a"}, {"", ""}, {7, "7"},
				{strings.Repeat("a", 63), strings.Repeat("a", 63)}},
			bad: []any{"-files", "files-", "Files", "files.example", "files_example", "my-aws-files", "amazonia",
				"cognito", "https://files", strings.Repeat("a", 64)}},
		truth("staff.poolOnly", func(s Settings) any { return s.Staff.PoolOnly }, values{"staff.pool": true,
			"staff.poolDomain": "example-files", "site.domain": "files.example.org", "site.zoneId": "Z1"}),
	}
}

// companions are what a good value of some keys needs beside it, by that value.
func companions(name string, want any) values {
	switch name {
	case "database.storageGiB":
		return values{"database.maxStorageGiB": want}
	case "database.maxStorageGiB":
		return values{"database.storageGiB": 20}
	case "observe.databaseFreeGiB":
		return values{"database.storageGiB": 65536, "database.maxStorageGiB": 65536}
	case "database.class":
		return values{"database.connections": 50}
	case "staff.pool":
		if want == true {
			return values{"staff.poolDomain": "example-files", "site.domain": "files.example.org", "site.zoneId": "Z1"}
		}
	case "staff.poolDomain":
		return values{"staff.pool": want != ""}
	}
	return nil
}

func TestKeys(t *testing.T) {
	cases := map[string]keyCase{}
	for _, c := range keyCases() {
		cases[c.name] = c
	}
	for _, k := range keys() {
		t.Run(k.name, func(t *testing.T) {
			c, ok := cases[k.name]
			if !ok || len(c.good) == 0 || len(c.bad) == 0 {
				t.Fatal("there is no case that says what the key takes and refuses")
			}
			for _, g := range c.good {
				all := c.beside.with(companions(k.name, g.want)).with(values{k.name: g.given})
				s, err := Parse("test", region, object(t, all))
				if err != nil {
					t.Errorf("%#v is refused: %v", g.given, err)
				} else if got := c.field(s); !reflect.DeepEqual(got, g.want) {
					t.Errorf("%#v gives %#v, want %#v", g.given, got, g.want)
				}
			}
			for _, bad := range append(c.bad, nil) {
				raw := object(t, c.beside.with(values{k.name: bad}))
				_, err := Parse("test", region, raw)
				if err == nil {
					t.Errorf("%#v is taken", bad)
					continue
				}
				faults := faultsOf(t, err)
				i := slices.IndexFunc(faults, func(f Fault) bool { return f.Name == k.name })
				if i < 0 {
					t.Errorf("%#v: no fault names the key: %v", bad, err)
					continue
				}
				if f := faults[i]; f.Value == "" || f.Source != "Pulumi.test.yaml" || f.Problem == "" {
					t.Errorf("%#v: the fault %+v does not show value, source and problem", bad, f)
				}
				if _, err := parse("test", region, raw, true, func(*loader) {}); err == nil {
					t.Errorf("%#v is taken where it is secret", bad)
				} else if f := faultsOf(t, err); !slices.ContainsFunc(f, func(f Fault) bool {
					return f.Name == k.name && f.Value == setting.Hidden
				}) {
					t.Errorf("%#v, which is secret, is not setting.Hidden in %v", bad, err)
				}
			}
		})
		delete(cases, k.name)
	}
	for name := range cases {
		t.Errorf("there is a case for %s, which is no key", name)
	}
}

func manyOrigins(n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = fmt.Sprintf("https://site-%d.example", i)
	}
	return list
}

// Every field has its key, and the key is the field's name in lowerCamel.
func TestKeysCoverTheSettings(t *testing.T) {
	var fields []string
	var walk func(prefix string, of reflect.Type)
	walk = func(prefix string, of reflect.Type) {
		for f := range of.Fields() {
			if name := strings.TrimPrefix(prefix+"."+f.Name, "."); f.Type.Kind() == reflect.Struct &&
				f.Type.PkgPath() == of.PkgPath() {
				walk(name, f.Type)
			} else if name != "Stack" && name != "Region" && name != "Tags" { // which stand elsewhere
				fields = append(fields, strings.ToLower(name))
			}
		}
	}
	walk("", reflect.TypeFor[Settings]())
	var names []string
	for _, k := range keys() {
		// which takes units
		names = append(names, strings.NewReplacer("maxfilesize", "maxfilebytes", "maxstoresize",
			"maxstorebytes").Replace(strings.ToLower(k.name)))
	}
	slices.Sort(fields)
	slices.Sort(names)
	if !slices.Equal(fields, names) {
		t.Errorf("the fields are\n%v\nand the keys\n%v", fields, names)
	}
}

func TestPresets(t *testing.T) {
	dev := mustParse(t, nil)
	if named := mustParse(t, values{"preset": "dev"}); !reflect.DeepEqual(dev, named) {
		t.Errorf("without a preset the settings are\n%+v\nand not those of dev\n%+v", dev, named)
	}
	if dev.Stack != "test" || dev.Region != region || dev.Production() || dev.Protect || dev.Database.MultiAZ ||
		dev.Network.NAT != NATSingle {
		t.Errorf("the preset dev gives %+v", dev)
	}
	// A name is the one thing that no preset can know.
	prod := mustParse(t, values{"preset": "prod", "site.domain": "files.example.org",
		"site.zoneId": "Z0123456789ABCDEFGHIJ"})
	if !prod.Production() || !prod.Protect || !prod.Database.MultiAZ || prod.Network.NAT != NATPerZone ||
		prod.Network.Zones != 3 || prod.Service.Min < 2 ||
		prod.Database.BackupDays < 14 || prod.Observe.LogDays <= dev.Observe.LogDays ||
		!prod.Database.PerformanceInsights {
		t.Errorf("the preset prod gives %+v", prod)
	}
	for _, k := range keys() {
		for _, p := range []Preset{Dev, Prod} {
			var s Settings
			text := k.preset(p)
			if text == "" {
				continue
			}
			if err := k.Set(&s, text); err != nil {
				t.Errorf("the default %q of %s with %s is not allowed", text, k.name, p)
			}
		}
		if (k.dev == "") != (k.prod == "") || k.dev == "" && k.otherwise == "" {
			t.Errorf("%s has a default with one preset only, or says not what holds without one", k.name)
		}
	}
}
