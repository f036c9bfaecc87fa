package settings

import (
	"strings"
	"testing"
	"time"
)

// ruleCase is a set of values that breaks one rule, and one beside it that keeps all.
type ruleCase struct {
	name         string
	broken, kept values
	// key is the one that the fault names; the message has all parts.
	key   string
	parts []string
}

func ruleCases() []ruleCase {
	prod := values{"preset": "prod", "site.domain": "files.example.org", "site.zoneId": "Z1"}
	domain := values{"site.domain": "files.example.org", "site.zoneId": "Z1"}
	acl := func(region string) string {
		return "arn:aws:wafv2:" + region + ":123456789012:regional/webacl/a/a1b2c3d4-5678-90ab-cdef-0123456789ab"
	}
	return []ruleCase{
		{"more at least than at most", values{"service.min": 3}, values{"service.min": 2}, "service.min",
			[]string{"service.min is 3 and service.max is 2"}},
		{"fewer at most than at least", prod.with(values{"service.min": 4, "service.max": 3}),
			prod.with(values{"service.min": 3, "service.max": 3}), "service.min",
			[]string{"service.min is 4 and service.max is 3"}},
		{"one instance in production", prod.with(values{"service.min": 1}), values{"service.min": 1}, "service.min",
			[]string{"service.min is 1; raise it to 2"}},
		{
			"pools of a group that is rolled out", values{"service.max": 4}, values{"service.max": 3}, "service.max",
			[]string{"service.max = 4 (Pulumi.test.yaml)",
				"5 instances (service.max 4 and 1 more during a rollout) × service.connections 10 + 10 others = 60, " +
					"but database.connections is 50; raise it to 60"},
		},
		{
			"pools of a large group", values{"service.max": 11, "database.class": "db.t4g.medium",
				"database.connections": 139}, values{"service.max": 11, "database.class": "db.t4g.medium",
				"database.connections": 140},
			"database.connections", []string{"13 instances (service.max 11 and 2 more", "= 140"},
		},
		{"large pools", values{"service.connections": 14}, values{"service.connections": 13}, "service.connections",
			[]string{"3 instances", "× service.connections 14 + 10 others = 52"}},
		{"few connections", values{"database.connections": 39}, values{"database.connections": 40},
			"database.connections", []string{"= 40, but database.connections is 39"}},
		{
			"more connections than memory", values{"database.connections": 58}, values{"database.connections": 57},
			"database.connections",
			[]string{"database.connections is 58, but db.t4g.micro with 1 GiB of memory allows 57"},
		},
		{
			"a class too small for the preset's connections", prod.with(values{"database.class": "db.t4g.small"}),
			prod.with(values{"database.class": "db.t4g.large"}), "database.class",
			[]string{`database.class = "db.t4g.small"`, "allows 135"},
		},
		{
			"insights on a class without", values{"database.performanceInsights": true},
			values{"database.performanceInsights": true, "database.class": "db.t4g.medium"},
			"database.performanceInsights",
			[]string{"db.t4g.micro does not support it"},
		},
		{"less storage at most than at first", values{"database.storageGiB": 60}, values{"database.storageGiB": 45},
			"database.storageGiB", []string{"60", "50", "raise database.maxStorageGiB to 66"}},
		{"hardly more storage at most", values{"database.maxStorageGiB": 21}, values{"database.maxStorageGiB": 22},
			"database.maxStorageGiB", []string{"raise database.maxStorageGiB to 22"}},
		{"storage that does not grow", values{"database.storageGiB": 55}, values{"database.storageGiB": 50},
			"database.storageGiB", []string{"make them the same"}},
		{"an alarm for the whole volume", values{"observe.databaseFreeGiB": 20}, values{"observe.databaseFreeGiB": 19},
			"observe.databaseFreeGiB", []string{"observe.databaseFreeGiB is 20 and database.storageGiB is 20"}},
		{"a file larger than all files", values{"service.maxStoreSize": "1023MiB"},
			values{"service.maxStoreSize": "1GiB"}, "service.maxStoreSize",
			[]string{"service.maxFileSize is 1GiB and service.maxStoreSize is 1023MiB; lower service.maxFileSize or " +
				"raise service.maxStoreSize"}},
		{
			"uploads longer than deregistration", values{"service.uploadTimeout": "2m"},
			values{"service.uploadTimeout": "1m59s"}, "service.uploadTimeout",
			[]string{"service.uploadTimeout is 2m and service.deregistrationDelay is 2m", "to 15m at most"},
		},
		{
			"more zones than names",
			values{"network.zones": 3, "network.zoneNames": []any{"eu-central-1a", "eu-central-1b"}},
			values{"network.zoneNames": []any{"eu-central-1a", "eu-central-1b"}}, "network.zoneNames",
			[]string{"network.zones is 3, but network.zoneNames has 2"},
		},
		{
			"a zone of another region", values{"network.zoneNames": []any{"eu-central-1a", "us-east-1b"}},
			values{"network.zoneNames": []any{"eu-central-1a", "eu-central-1b"}},
			"network.zoneNames", []string{"item 2 is not in", "eu-central-1a"},
		},
		{
			"killed while it stops", values{"service.shutdownTimeout": "41s"}, values{"service.shutdownTimeout": "40s"},
			"service.shutdownTimeout",
			[]string{"service.shutdownTimeout 41s + 20s = 1m1s, but service.stopTimeout is 1m; raise it to 1m1s"},
		},
		{
			"a type for a NAT that is no instance", values{"network.natInstanceType": "t4g.micro"},
			values{"network.natInstanceType": "t4g.micro", "network.nat": "instance"}, "network.natInstanceType",
			[]string{"network.nat is single"},
		},
		{
			"more instances than addresses",
			values{"network.cidr": "10.0.0.0/24", "service.max": 17, "service.connections": 1},
			values{"network.cidr": "10.0.0.0/24", "service.max": 16, "service.connections": 1}, "network.cidr",
			[]string{"subnets of 16 addresses, 16 - 5 - 2 = 9 of them for instances, in 2 zones 18, but a rollout " +
				"of service.max 17 needs 19"},
		},
		{"a domain without its zone", values{"site.domain": "files.example.org"},
			values{"site.domain": "files.example.org", "site.zoneId": "Z1"}, "site.domain",
			[]string{"site.zoneId is not set"}},
		{"a zone without a domain", values{"site.zoneId": "Z1"}, nil, "site.zoneId",
			[]string{"site.domain is not set"}},
		{"production by plain HTTP", values{"preset": "prod"}, prod, "site.domain",
			[]string{"preset is prod and protect is true; set site.domain and site.zoneId"}},
		{"protected by plain HTTP", values{"protect": true},
			values{"protect": true, "site.domain": "files.example.org", "site.zoneId": "Z1"}, "site.domain",
			[]string{"preset is dev and protect is true"}},
		{"production by plain HTTP, without protection", values{"preset": "prod", "protect": false},
			prod.with(values{"protect": false}), "site.domain", []string{"preset is prod and protect is false"}},
		{"a web ACL of another region", values{"site.webAcl": acl("us-east-1")}, values{"site.webAcl": acl(region)},
			"site.webAcl", []string{`the stack is in "eu-central-1"`}},
		{"a pool without a certificate", values{"staff.pool": true, "staff.poolDomain": "example-files"},
			domain.with(values{"staff.pool": true, "staff.poolDomain": "example-files"}), "staff.pool",
			[]string{"staff.pool = true (Pulumi.test.yaml)", "site.domain is not set; set it with site.zoneId"}},
		{"a pool without an address", domain.with(values{"staff.pool": true}), domain, "staff.pool",
			[]string{"staff.poolDomain is not set; choose one"}},
		{"an address without a pool", values{"staff.poolDomain": "example-files"}, values{"staff.pool": false},
			"staff.poolDomain", []string{"staff.pool is false; set it to true, or remove staff.poolDomain"}},
		{"no pool and nothing else", values{"staff.poolOnly": true}, values{"staff.poolOnly": false}, "staff.poolOnly",
			[]string{"staff.pool is false: nobody could sign in"}},
	}
}

func TestRules(t *testing.T) {
	asked := map[string]bool{}
	for _, c := range ruleCases() {
		t.Run(c.name, func(t *testing.T) {
			mustParse(t, c.kept)
			_, err := Parse("test", region, object(t, c.broken))
			if err == nil {
				t.Fatalf("%v is taken", c.broken)
			}
			faults := faultsOf(t, err)
			if len(faults) != 1 || faults[0].Name != c.key {
				t.Errorf("the faults are not one of %s: %v", c.key, err)
			}
			for _, part := range c.parts {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the message has no %q: %v", part, err)
				}
			}
			for _, r := range rules() {
				if strings.Contains(faults[0].Problem, strings.TrimSuffix(strings.ReplaceAll(r.says, "`", ""), ".")) {
					asked[r.says] = true
				}
			}
		})
	}
	document := Document()
	for _, r := range rules() {
		if !asked[r.says] {
			t.Errorf("no case breaks the rule: %s", r.says)
		}
		for _, k := range r.keys {
			if k != regionKey && !strings.Contains(document, "| `"+k+"` |") {
				t.Errorf("the rule speaks of %s, which is no key: %s", k, r.says)
			}
		}
	}
}

// A value that is wrong by itself, or that was meant for a misspelt key, breaks no rule with others besides.
func TestRulesLeaveFaultyValuesAlone(t *testing.T) {
	for _, v := range []values{
		{"service.max": 0, "service.min": 5}, {"service.mxa": 9, "service.min": 5},
		{"preset": "live", "service.min": 5},
		{"preset": "prod", "site.domian": "files.example.org", "site.zoneId": "Z1"},
		{"service": 3, "database.connections": 1}, {"protect": true, "site": "example.org"},
	} {
		if _, err := Parse("test", region, object(t, v)); len(faultsOf(t, err)) != 1 {
			t.Errorf("%v: %v", v, err)
		}
	}
}

func TestLargest(t *testing.T) {
	for largest, want := range map[int]int{1: 2, 2: 3, 9: 10, 10: 11, 11: 13, 20: 22, 21: 24, 100: 110} {
		if got := (Service{Max: largest}).Largest(); got != want {
			t.Errorf("a group of %d has %d instances during a rollout, want %d", largest, got, want)
		}
	}
}

// The numbers stay below what servers of RDS show for their default.
func TestClassConnections(t *testing.T) {
	for class, shown := range map[string]int{
		"db.t4g.micro": 66, "db.t4g.small": 150, "db.t4g.medium": 312, "db.m5.large": 648, "db.m5.xlarge": 1320,
	} {
		if got := classConnections(class); got >= shown || got < shown*8/10 {
			t.Errorf("%s is taken to hold %d connections, and its default is about %d", class, got, shown)
		}
	}
	if got := classConnections("db.x2g.16xlarge"); got > maxConnections {
		t.Errorf("the largest class is taken to hold %d connections, more than RDS takes", got)
	}
	if got := classConnections("db.m3.large"); got != 0 {
		t.Errorf("a class of unknown memory is taken to hold %d connections", got)
	}
}

// broken tells which rule settings break. It says the rules anew, in other words than the code.
func broken(s Settings) string {
	largest := s.Service.Max + max(1, (s.Service.Max+9)/10)
	addresses := (1<<(28-s.Network.CIDR.Bits()) - 7) * s.Network.Zones
	for problem, bad := range map[string]bool{
		"the sizes of the group":     s.Service.Min < 1 || s.Service.Min > s.Service.Max || s.Service.Max > 100,
		"one instance in production": s.Preset == Prod && s.Service.Min == 1,
		"the pools":                  largest*s.Service.Connections+10 > s.Database.Connections,
		"the database's memory":      float64(s.Database.Connections)*12582880 > classMemory(s.Database.Class)*(1<<30),
		"Performance Insights": s.Database.PerformanceInsights &&
			(strings.Contains(s.Database.Class, "micro") || strings.Contains(s.Database.Class, "small")),
		"the database's storage": s.Database.MaxStorageGiB != s.Database.StorageGiB &&
			s.Database.MaxStorageGiB*10 < s.Database.StorageGiB*11,
		"the alarm for storage": s.Observe.DatabaseFreeGiB >= s.Database.StorageGiB,
		"files":                 s.Service.MaxFileBytes > s.Service.MaxStoreBytes,
		"deregistration": s.Service.DeregistrationDelay <= s.Service.UploadTimeout ||
			s.Service.DeregistrationDelay > 3600*time.Second,
		"stopping":                  s.Service.StopTimeout < s.Service.ShutdownTimeout+20*time.Second,
		"idle connections":          s.Service.IdleTimeout < time.Second || s.Service.IdleTimeout >= AppKeepAlive,
		"addresses":                 largest > addresses,
		"half a domain":             (s.Site.Domain == "") != (s.Site.ZoneID == ""),
		"a pool without HTTPS":      s.Staff.Pool && s.Site.Domain == "",
		"half a pool":               s.Staff.Pool != (s.Staff.PoolDomain != "") || s.Staff.PoolOnly && !s.Staff.Pool,
		"people's details in clear": (s.Protect || s.Preset == Prod) && s.Site.Domain == "",
		"another region's web ACL": s.Site.WebACL != "" &&
			!strings.HasPrefix(s.Site.WebACL, "arn:aws:wafv2:"+s.Region+":"),
		"more operators than rules": len(s.Jump.OperatorCIDRs) > 60,
		"a subnet that AWS does not make": s.Network.CIDR.Bits() < 16 || s.Network.CIDR.Bits()+4 > 28 ||
			!s.Network.CIDR.Addr().IsPrivate(),
	} {
		if bad {
			return problem
		}
	}
	return ""
}
