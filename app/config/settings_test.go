package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dossier.example/app/bounds"
	"dossier.example/app/setting"

	dossier "dossier.example/app"
)

type value struct {
	text string
	want any
}

// settingCase says what one setting takes and refuses. with holds variables that the good values need beside them.
type settingCase struct {
	env   string
	field func(*Config) any
	unset any
	good  []value
	bad   []string
	with  []string
}

func settingCases(t *testing.T) []settingCase {
	ca := certificate(t)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	durations := func(env string, field func(*Config) any, unset, least, most time.Duration,
		with ...string) settingCase {
		c := settingCase{env: env, field: field, unset: unset, with: with,
			good: []value{{"90s", 90 * time.Second}, {" 1m30s ", 90 * time.Second}, {setting.Short(least), least},
				{setting.Short(most), most}},
			bad: []string{"5", "-1s", "soon", "1d", "∞", "9999999h", (most + 1).String()}}
		if least > 0 {
			c.bad = append(c.bad, (least - 1).String(), "1ns")
		}
		return c
	}
	counts := func(env string, field func(*Config) any, unset, most int64) settingCase {
		return settingCase{env: env, field: field, unset: unset,
			good: []value{{"0", int64(0)}, {"7", int64(7)}, {strconv.FormatInt(most, 10), most}},
			bad:  []string{"-1", "x", "1.5", strconv.FormatInt(most+1, 10)}}
	}
	orOff := func(c settingCase) settingCase {
		c.good = append(c.good, value{"0", time.Duration(0)}, value{"0s", time.Duration(0)})
		return c
	}
	numbers := func(env string, field func(*Config) any, unset, least, most int) settingCase {
		itoa := setting.Number(least, most).Format
		return settingCase{env: env, field: field, unset: unset,
			good: []value{{itoa(least), least}, {itoa(most), most}, {" 7\n", 7}},
			bad:  []string{itoa(least - 1), itoa(most + 1), "many", "1.5", "1e1", "99999999999999999999"}}
	}
	user := func(env string, field func(*Config) any, unset string, with ...string) settingCase {
		return settingCase{env: env, field: field, unset: unset, with: with,
			good: []value{{"clerk", "clerk"}, {"a-b.c_d", "a-b.c_d"},
				{strings.Repeat("u", 32), strings.Repeat("u", 32)}},
			bad: []string{strings.Repeat("u", 33), "a b", "o'brien", "a`b", "é"}}
	}
	day := 24 * time.Hour
	issuer := []string{"DOSSIER_STAFF_ISSUER=https://people.example", "DOSSIER_STAFF_CLIENT_ID=id",
		"DOSSIER_STAFF_CLIENT_SECRET=s", "DOSSIER_STAFF_ALLOW=example.org",
		"DOSSIER_PUBLIC_URL=https://dossier.example"}
	return []settingCase{
		{env: "DOSSIER_LISTEN", field: func(c *Config) any { return c.HTTP.Listen }, unset: "localhost:8080",
			good: []value{{":8080", ":8080"}, {"127.0.0.1:0", "127.0.0.1:0"}, {"[::1]:65535", "[::1]:65535"},
				{"host.internal:080", "host.internal:80"}},
			bad: []string{"8080", "localhost", "localhost:", "localhost:http", "localhost:65536", "localhost:-1",
				"http://localhost:80", "a b:80", "::1:80", "300.1.1.1:80"}},
		{env: "DOSSIER_DATA", field: func(c *Config) any { return c.Data }, unset: "./data",
			good: []value{{"/var/lib/dossier", "/var/lib/dossier"}, {"a folder", "a folder"}},
			bad:  []string{"a\x00b", "a\nb", "\xff"}},
		{env: "DOSSIER_DISK_RESERVE", field: func(c *Config) any { return c.DiskReserve }, unset: int64(64 << 20),
			good: []value{{"16MiB", int64(16 << 20)}, {"1GB", int64(1e9)}, {"1TiB", int64(1 << 40)}},
			bad:  []string{"0", "15MiB", "1025GiB", "-1", "much"}},
		{env: "DOSSIER_PUBLIC_URL", field: func(c *Config) any { return c.HTTP.PublicURL }, unset: "",
			good: []value{
				{"https://files.example.org", "https://files.example.org"},
				{"https://Files.Example.org/", "https://files.example.org"},
				{"HTTPS://x.org:443", "https://x.org"}, {"http://x.org:80", "http://x.org"},
				{"http://x.org:443", "http://x.org:443"},
				{"https://x.org:08443", "https://x.org:8443"},
				{"http://[2001:DB8::1]:8080", "http://[2001:db8::1]:8080"},
			},
			bad: []string{"files.example.org", "ftp://x.org", "https://", "https://x.org/app", "https://x.org?",
				"https://x.org?a=1", "https://x.org#", "https://x.org#a",
				"https://x.org:0", "https://x.org:65536", "https://bücher.example", "https:x.org", "//x.org",
				"https://[fe80::1%25eth0]", "https://x y"}},
		{env: "DOSSIER_HSTS_SUBDOMAINS", field: func(c *Config) any { return c.HTTP.HSTSSubdomains }, unset: false,
			good: []value{{"true", true}, {"false", false}, {"1", true}}, bad: []string{"yes", "on", "2"}},
		{env: "DOSSIER_TRUSTED_PROXIES", field: func(c *Config) any { return c.HTTP.TrustedProxies },
			unset: []netip.Prefix(nil),
			good: []value{
				{"10.0.0.0/16", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}},
				{"10.0.0.0/16, 2001:db8::/32,192.0.2.7",
					[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("2001:db8::/32"),
						netip.MustParsePrefix("192.0.2.7/32")}},
				{"::1", []netip.Prefix{netip.MustParsePrefix("::1/128")}},
				{"0.0.0.0/1", []netip.Prefix{netip.MustParsePrefix("0.0.0.0/1")}},
			},
			bad: []string{"proxy", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/8,", ",", "10.0.0.0/8 10.1.0.0/16",
				"0.0.0.0/0", "::/0", "::ffff:10.0.0.0/104", "fe80::1%eth0"}},
		{env: "DOSSIER_API_ORIGINS", field: func(c *Config) any { return c.HTTP.APIOrigins }, unset: []string(nil),
			good: []value{
				{"https://www.example.org", []string{"https://www.example.org"}},
				{"https://www.example.org, HTTP://App.example.org:80/,https://www.example.org:443",
					[]string{"https://www.example.org", "http://app.example.org"}},
			},
			bad: []string{"*", "null", "www.example.org", "https://www.example.org,", ",",
				"https://a.example https://b.example", "https://*.example.org", "https://x.org/app"}},
		{env: "DOSSIER_MAX_FILE_SIZE", field: func(c *Config) any { return c.Limits.FileBytes },
			unset: int64(bounds.FileBytes),
			good: []value{
				{"5GiB", int64(5 << 30)}, {"500MB", int64(500e6)}, {"500 mb", int64(500e6)}, {"1", int64(1)},
				{"1.5KiB", int64(1536)}, {"4 MiB", int64(4 << 20)},
				{"1kB", int64(1000)}, {"1048576", int64(1 << 20)}, {"52428800000", int64(bounds.MaxFileBytes)},
				{"50000MiB", int64(bounds.MaxFileBytes)},
			},
			bad: []string{"0", "0B", "0.4B", "-1", "52428800001", "49GiB", "1TB", "5G", "5Gi", "5,5GB", "1,000",
				"5 GiB 3", "1e3", "0x10", "big", "GiB", "٣GB", "99999999999999999999", "99999999999999999999GB"}},
		numbers("DOSSIER_MAX_FILES", func(c *Config) any { return c.Limits.Files }, 50, 1, 1000),
		numbers("DOSSIER_MAX_PERSON_FILES", func(c *Config) any { return c.Limits.PersonFiles }, 0, 1, 1_000_000),
		{env: "DOSSIER_MAX_PERSON_SIZE", field: func(c *Config) any { return c.Limits.PersonBytes }, unset: int64(0),
			good: []value{{"250GiB", int64(250 << 30)}, {"1", int64(1)}, {"1024TiB", int64(1 << 50)}},
			bad:  []string{"0", "1025TiB", "1PB", "-1", "much"}},
		{env: "DOSSIER_FILE_TYPES", field: func(c *Config) any { return c.Limits.Types }, unset: bounds.FileTypes,
			good: []value{{"*/*", "*/*"}, {"application/pdf, image/*", "application/pdf,image/*"},
				{"image/svg+xml", "image/svg+xml"}, {strings.Repeat("image/png,", 49) + "image/gif",
					strings.Repeat("image/png,", 49) + "image/gif"}},
			bad: []string{"pdf", "*", "*/pdf", "image/", "Image/PNG", "image/png;q=1", "image/png,", ",", ".pdf",
				"text/plain; charset=utf-8", strings.Repeat("image/png,", 50) + "image/gif"}},
		{env: "DOSSIER_MAX_STORE_SIZE", field: func(c *Config) any { return c.Budget.StoreBytes },
			unset: int64(2 << 40),
			good:  []value{{"0", int64(0)}, {"1", int64(1)}, {"1048576TiB", int64(1 << 60)}},
			bad:   []string{"0B", "1048577TiB", "-1", "much"}},
		counts("DOSSIER_MAX_STORE_FILES", func(c *Config) any { return c.Budget.StoreFiles }, 2_000_000, 1_000_000_000),
		{env: "DOSSIER_MAX_DAY_SIZE", field: func(c *Config) any { return c.Budget.DayBytes }, unset: int64(250 << 30),
			good: []value{{"0", int64(0)}, {"1", int64(1)}, {"1024TiB", int64(1 << 50)}},
			bad:  []string{"0B", "1025TiB", "-1", "much"}},
		counts("DOSSIER_MAX_DAY_FILES", func(c *Config) any { return c.Budget.DayFiles }, 20_000, 100_000_000),
		counts("DOSSIER_MAX_DAY_PERSONS", func(c *Config) any { return c.Budget.DayPersons }, 1000, 100_000_000),

		{env: "DOSSIER_DB_HOST", field: func(c *Config) any { return c.People.Host }, unset: "",
			with: []string{"DOSSIER_DB_PASSWORD=a password", "DOSSIER_STAFF_SECRET=0123456789abcdef"},
			good: []value{{"db.internal", "db.internal"}, {"my_db", "my_db"}, {"10.0.0.5", "10.0.0.5"},
				{"2001:db8::5", "2001:db8::5"}},
			bad: []string{"db:3306", "mysql://db", "a b", "10.0.0", "-db", strings.Repeat("a.", 127) + "a"}},
		numbers("DOSSIER_DB_PORT", func(c *Config) any { return c.People.Port }, 3306, 1, 65535),
		{env: "DOSSIER_DB_NAME", field: func(c *Config) any { return c.People.Name }, unset: "dossier",
			good: []value{{"dossier_2", "dossier_2"}, {strings.Repeat("d", 64), strings.Repeat("d", 64)}},
			bad:  []string{strings.Repeat("d", 65), "a-b", "a`b", "a b", "é"}},
		user("DOSSIER_DB_USER", func(c *Config) any { return c.People.User }, "dossier"),
		{env: "DOSSIER_DB_PASSWORD", field: func(c *Config) any { return c.People.Password.Reveal() }, unset: "",
			good: []value{{"p", "p"}, {"p@ss: w/örd'`\"", "p@ss: w/örd'`\""}},
			bad:  []string{" leading", "trailing ", "line\n", "a\x00b", "\xff", " "}},
		{env: "DOSSIER_DB_TLS", field: func(c *Config) any { return c.People.TLS }, unset: TLSVerify,
			good: []value{{"verify", TLSVerify}, {"off", TLSOff}}, bad: []string{"on", "skip-verify", "OFF", "false"}},
		{env: "DOSSIER_DB_CA_FILE", field: func(c *Config) any { return c.People.CAFile }, unset: "",
			good: []value{{ca, ca}},
			bad:  []string{empty, filepath.Dir(empty), filepath.Join(filepath.Dir(empty), "absent.pem"), "a\x00b"}},
		numbers("DOSSIER_DB_MAX_CONNECTIONS", func(c *Config) any { return c.People.MaxConnections }, 10, 1, 1000),
		user("DOSSIER_DB_ADMIN_USER", func(c *Config) any { return c.People.AdminUser }, "",
			"DOSSIER_DB_ADMIN_PASSWORD=x"),
		{env: "DOSSIER_DB_ADMIN_PASSWORD", field: func(c *Config) any { return c.People.AdminPassword.Reveal() },
			unset: "",
			with:  []string{"DOSSIER_DB_ADMIN_USER=root"},
			good:  []value{{"p", "p"}}, bad: []string{" p", "p\n", "\x7f"}},
		user("DOSSIER_DB_ADMIN_PRUNE_USER", func(c *Config) any { return c.People.PruneUser }, "dossier_prune"),
		{env: "DOSSIER_DB_ADMIN_PRUNE_PASSWORD", field: func(c *Config) any { return c.People.PrunePassword.Reveal() },
			unset: "", good: []value{{"p", "p"}}, bad: []string{" p", "p\n", "\x7f"}},

		{env: "DOSSIER_BUCKET", field: func(c *Config) any { return c.Objects.Bucket }, unset: "",
			with: []string{"DOSSIER_STAFF_SECRET=0123456789abcdef"},
			good: []value{{"abc", "abc"}, {"dossier-prod.files", "dossier-prod.files"},
				{strings.Repeat("b", 63), strings.Repeat("b", 63)}},
			bad: []string{"ab", strings.Repeat("b", 64), "Bucket", "-ab", "ab-", "s3://bucket", "a_b"}},
		{env: "DOSSIER_S3_PATH_STYLE", field: func(c *Config) any { return c.Objects.PathStyle }, unset: false,
			good: []value{{"true", true}, {"false", false}, {"1", true}}, bad: []string{"yes", "on", "2"}},
		{env: "DOSSIER_S3_LINKS", field: func(c *Config) any { return c.Objects.Links }, unset: true,
			good: []value{{"true", true}, {"false", false}, {"0", false}}, bad: []string{"no", "off", "2"}},
		{env: "DOSSIER_TABLE", field: func(c *Config) any { return c.Catalog.Table }, unset: "",
			with: []string{"DOSSIER_STAFF_SECRET=0123456789abcdef"},
			good: []value{{"abc", "abc"}, {"Dossier.files_1-x", "Dossier.files_1-x"},
				{strings.Repeat("t", 255), strings.Repeat("t", 255)}},
			bad: []string{"ab", strings.Repeat("t", 256), "a b c", "a/b", "arn:aws:dynamodb"}},

		{env: "DOSSIER_STAFF_SECRET", field: func(c *Config) any { return c.Staff.Secret.Reveal() }, unset: "",
			good: []value{{"0123456789abcdef", "0123456789abcdef"}, {"ääääääääääääääää", "ääääääääääääääää"}},
			bad: []string{"0123456789abcde", "äääääääääääääää", "0123456789abcdef\n", "0123456\t89abcdef",
				" 0123456789abcdef"}},
		orOff(durations("DOSSIER_AUDIT_RETENTION", func(c *Config) any { return c.Staff.AuditRetention }, 400*day,
			time.Minute, 3650*day)),
		durations("DOSSIER_SESSION_LIFETIME", func(c *Config) any { return c.Staff.SessionLifetime }, 12*time.Hour,
			time.Minute, 7*day),
		durations("DOSSIER_SESSION_IDLE", func(c *Config) any { return c.Staff.SessionIdle }, time.Hour, time.Minute,
			7*day),
		{env: "DOSSIER_STAFF_PLAIN_PASSWORDS", field: func(c *Config) any { return c.Staff.PlainPasswords },
			unset: false,
			good:  []value{{"true", true}, {"false", false}, {"1", true}}, bad: []string{"yes", "on", "2"}},
		orOff(durations("DOSSIER_RECEIPT_LIFETIME", func(c *Config) any { return c.ReceiptLifetime }, 0, time.Minute,
			3650*day)),

		{env: "DOSSIER_STAFF_ISSUER", field: func(c *Config) any { return c.Staff.Issuer.URL }, unset: "",
			with: []string{"DOSSIER_STAFF_CLIENT_ID=id", "DOSSIER_STAFF_CLIENT_SECRET=s",
				"DOSSIER_STAFF_ALLOW=example.org"},
			good: []value{{"https://accounts.google.com", "https://accounts.google.com"},
				{"https://people.example/realms/Dossier/", "https://people.example/realms/Dossier/"},
				{"http://localhost:9000", "http://localhost:9000"}, {"http://[::1]:9000/a", "http://[::1]:9000/a"}},
			bad: []string{"accounts.google.com", "http://people.example", "https://", "https://people.example?a=1",
				"https://people.example#", "https://a:b@people.example", "ftp://people.example", "https://x y"}},
		{env: "DOSSIER_STAFF_ISSUER_NAME", field: func(c *Config) any { return c.Staff.Issuer.Name }, unset: "",
			with: issuer,
			good: []value{{"Ünïversity & Co", "Ünïversity & Co"}, {strings.Repeat("é", 40), strings.Repeat("é", 40)}},
			bad:  []string{strings.Repeat("é", 41), "a\nb", "a\u202eb", "\xff"}},
		{env: "DOSSIER_STAFF_ISSUER_ONLY", field: func(c *Config) any { return c.Staff.Issuer.Only }, unset: false,
			with: issuer, good: []value{{"true", true}, {"false", false}}, bad: []string{"yes"}},
		{env: "DOSSIER_STAFF_CLIENT_ID", field: func(c *Config) any { return c.Staff.Issuer.ClientID }, unset: "",
			with: append([]string{"DOSSIER_STAFF_CLIENT_SECRET=s"}, issuer...),
			good: []value{{"x", "x"}, {"a b:c/d", "a b:c/d"}, {strings.Repeat("i", 255), strings.Repeat("i", 255)}},
			bad:  []string{strings.Repeat("i", 256), "é", "a\x00b"}},
		{env: "DOSSIER_STAFF_CLIENT_SECRET", field: func(c *Config) any { return c.Staff.Issuer.ClientSecret.Reveal() },
			unset: "", with: issuer, good: []value{{"s", "s"}, {"p@ss: w/örd", "p@ss: w/örd"}},
			bad: []string{" s", "s\n", "\xff"}},
		{env: "DOSSIER_STAFF_SCOPES", field: func(c *Config) any { return c.Staff.Issuer.Scopes },
			unset: []string{"openid", "profile", "email"}, with: issuer,
			good: []value{{"openid", []string{"openid"}}, {"openid, https://x.example/a", []string{"openid",
				"https://x.example/a"}}},
			bad: []string{"email", "openid email", "openid,", "openid,\"", "openid,é"}},
		{env: "DOSSIER_STAFF_ACR", field: func(c *Config) any { return c.Staff.Issuer.Contexts }, unset: []string(nil),
			with: issuer, good: []value{{"1", []string{"1"}}, {"urn:example:silver, https://x.example/gold?a=b",
				[]string{"urn:example:silver", "https://x.example/gold?a=b"}}},
			bad: []string{"a b", "a,", ",", "é", strings.Repeat("c", 201)}},
		{env: "DOSSIER_STAFF_AMR", field: func(c *Config) any { return c.Staff.Issuer.Methods }, unset: []string(nil),
			with: issuer, good: []value{{"mfa", []string{"mfa"}}, {"pwd,otp", []string{"pwd", "otp"}}},
			bad: []string{"pwd otp", "mfa,", "\xff"}},
		{env: "DOSSIER_STAFF_ROLE_CLAIM", field: func(c *Config) any { return c.Staff.Issuer.RoleClaim }, unset: "",
			with: issuer, good: []value{{"groups", "groups"}, {"cognito:groups", "cognito:groups"},
				{"https://people.example/roles", "https://people.example/roles"}},
			bad: []string{"a b", "a\nb", strings.Repeat("c", 201)}},
		{env: "DOSSIER_STAFF_ROLES", field: func(c *Config) any { return c.Staff.Issuer.Roles },
			unset: []Grant{{"viewer", "viewer"}, {"editor", "editor"}, {"administrator", "administrator"}},
			with:  append([]string{"DOSSIER_STAFF_ROLE_CLAIM=groups"}, issuer...),
			good: []value{{"a=viewer", []Grant{{"a", "viewer"}}},
				{"/staff/The Admins = administrator, k=v=editor", []Grant{{"/staff/The Admins", "administrator"},
					{"k=v", "editor"}}},
				{`CN=Editors\,OU=Staff\,DC=example=editor,CORP\admins=administrator,CN=Byron\\, Ada\,OU=Staff=viewer`,
					[]Grant{{"CN=Editors,OU=Staff,DC=example", "editor"}, {`CORP\admins`, "administrator"},
						{`CN=Byron\, Ada,OU=Staff`, "viewer"}}}},
			bad: []string{"a", "a=owner", "=viewer", "a=viewer,", "a=", "a=Viewer", "CN=Clerks,OU=Staff=viewer",
				"a=viewer\\,b"}},
		{env: "DOSSIER_STAFF_ALLOW", field: func(c *Config) any { return c.Staff.Issuer.Allow }, unset: []Grant(nil),
			with: issuer,
			good: []value{{"example.org", []Grant{{"example.org", ""}}},
				{"ada@example.org = administrator,example.org=viewer", []Grant{{"ada@example.org", "administrator"},
					{"example.org", "viewer"}}},
				{"a+b@x.example.org", []Grant{{"a+b@x.example.org", ""}}}},
			bad: []string{"*", "@example.org", "org", "example.org.", "ada@", "ada@localhost", "ada@192.0.2.1",
				"192.0.2.1",
				"Ada <ada@example.org>", "example.org=owner", "example.org=", "ada@example.org ada@example.com",
				"example.org,", "*.example.org", "bücher.example"}},

		durations("DOSSIER_TIMEOUT_STORE", func(c *Config) any { return c.Timeouts.Store }, 5*time.Second, shortest,
			10*time.Minute),
		durations("DOSSIER_TIMEOUT_STALL", func(c *Config) any { return c.Timeouts.Stall }, 30*time.Second, shortest,
			time.Hour),
		durations("DOSSIER_TIMEOUT_UPLOAD", func(c *Config) any { return c.Timeouts.Upload }, 6*time.Hour, shortest,
			7*day, "DOSSIER_RECONCILE_AGE=720h"),
		durations("DOSSIER_TIMEOUT_IDLE", func(c *Config) any { return c.Timeouts.Idle }, 30*time.Second, shortest,
			time.Hour),
		durations("DOSSIER_TIMEOUT_SHUTDOWN", func(c *Config) any { return c.Timeouts.Shutdown }, 30*time.Second,
			shortest, day),
		durations("DOSSIER_DRAIN_DELAY", func(c *Config) any { return c.Timeouts.Drain }, 0, 0, time.Hour),
		orOff(durations("DOSSIER_RECONCILE_INTERVAL", func(c *Config) any { return c.Reconcile.Interval }, time.Hour,
			time.Second, 7*day)),
		{env: "DOSSIER_RECONCILE_AGE", field: func(c *Config) any { return c.Reconcile.Age }, unset: day,
			with: []string{"DOSSIER_TIMEOUT_UPLOAD=100ms"},
			good: []value{{"101ms", 101 * time.Millisecond}, {"720h", 30 * day}},
			bad:  []string{"99ms", "721h", "-1h", "1d", "24"}},
		orOff(durations("DOSSIER_SWEEP_INTERVAL", func(c *Config) any { return c.Reconcile.Sweep }, day, time.Second,
			30*day)),
		durations("DOSSIER_KEEP_REMOVED", func(c *Config) any { return c.Reconcile.KeepRemoved }, 30*day, time.Second,
			3650*day),
		orOff(durations("DOSSIER_TRASH_RETENTION", func(c *Config) any { return c.Reconcile.KeepTrash }, 30*day,
			time.Second, 3650*day)),

		{env: "DOSSIER_SCRUB_BYTES", field: func(c *Config) any { return c.Scrub.Bytes }, unset: int64(50 << 30),
			good: []value{{"0", int64(0)}, {"1", int64(1)}, {"10GB", int64(10e9)}, {"1024TiB", int64(1 << 50)}},
			bad:  []string{"1025TiB", "-1", "much"}},
		durations("DOSSIER_SCRUB_INTERVAL", func(c *Config) any { return c.Scrub.Interval }, day, time.Second, 365*day),

		{env: "DOSSIER_SCANNER", field: func(c *Config) any { return c.Scan.Scanner }, unset: ScannerNone,
			with: []string{"DOSSIER_BUCKET=files", "DOSSIER_STAFF_SECRET=0123456789abcdef"},
			good: []value{{"none", ScannerNone}, {"clamd", ScannerClamd}, {"guardduty", ScannerGuardDuty}},
			bad:  []string{"ClamAV", "GuardDuty", "yes", "off"}},
		{env: "DOSSIER_SCAN_CLAMD", field: func(c *Config) any { return c.Scan.Clamd },
			unset: "unix:/run/clamav/clamd.ctl",
			good: []value{{"unix:/tmp/a b", "unix:/tmp/a b"}, {"tcp:clamd:3310", "tcp:clamd:3310"},
				{"tcp:[::1]:1", "tcp:[::1]:1"}},
			bad: []string{"/run/clamd.ctl", "unix:clamd.ctl", "tcp:clamd", "tcp:clamd:0", "tcp:clamd:65536",
				"tcp::3310",
				"clamd:3310", "unix:/a\nb"}},
		{env: "DOSSIER_SCAN_PENDING", field: func(c *Config) any { return c.Scan.Pending }, unset: AudienceNobody,
			good: []value{{"nobody", AudienceNobody}, {"staff", AudienceStaff}}, bad: []string{"all", "true"}},
		{env: "DOSSIER_SCAN_UNSCANNED", field: func(c *Config) any { return c.Scan.Unscanned }, unset: AudienceNobody,
			good: []value{{"nobody", AudienceNobody}, {"staff", AudienceStaff}, {"all", AudienceAll}},
			bad:  []string{"everybody", "true"}},
		{env: "DOSSIER_SCAN_MAX_SIZE", field: func(c *Config) any { return c.Scan.MaxBytes }, unset: int64(100 << 20),
			good: []value{{"1", int64(1)}, {"2GiB", int64(2 << 30)}, {"4294967295", int64(1<<32 - 1)}},
			bad:  []string{"0", "4GiB", "-1", "much"}},
		numbers("DOSSIER_SCAN_WORKERS", func(c *Config) any { return c.Scan.Workers }, 2, 1, 100),
		orOff(durations("DOSSIER_SCAN_KEEP_INFECTED", func(c *Config) any { return c.Scan.KeepInfected }, 30*day,
			time.Second, 3650*day)),

		numbers("DOSSIER_RATE_SUBMISSIONS", func(c *Config) any { return c.Rates.Submissions.PerMinute }, 30, 0,
			100_000),
		numbers("DOSSIER_RATE_SUBMISSIONS_BURST", func(c *Config) any { return c.Rates.Submissions.Burst }, 30, 1,
			100_000),
		numbers("DOSSIER_RATE_SIGN_INS", func(c *Config) any { return c.Rates.SignIns.PerMinute }, 10, 0, 100_000),
		numbers("DOSSIER_RATE_SIGN_INS_BURST", func(c *Config) any { return c.Rates.SignIns.Burst }, 10, 1, 100_000),
		numbers("DOSSIER_RATE_REGISTRATIONS", func(c *Config) any { return c.Rates.Registrations.PerMinute }, 30, 0,
			100_000),
		numbers("DOSSIER_RATE_REGISTRATIONS_BURST", func(c *Config) any { return c.Rates.Registrations.Burst }, 30, 1,
			100_000),
		numbers("DOSSIER_RATE_ANNOUNCEMENTS", func(c *Config) any { return c.Rates.Announcements.PerMinute }, 1200, 0,
			100_000),
		numbers("DOSSIER_RATE_ANNOUNCEMENTS_BURST", func(c *Config) any { return c.Rates.Announcements.Burst }, 1200, 1,
			100_000),
		numbers("DOSSIER_RATE_SIGNATURES", func(c *Config) any { return c.Rates.Signatures.PerMinute }, 1200, 0,
			100_000),
		numbers("DOSSIER_RATE_SIGNATURES_BURST", func(c *Config) any { return c.Rates.Signatures.Burst }, 1200, 1,
			100_000),

		{env: "DOSSIER_LOG_LEVEL", field: func(c *Config) any { return c.Log.Level }, unset: slog.LevelInfo,
			good: []value{{"debug", slog.LevelDebug}, {"INFO", slog.LevelInfo}, {"warn", slog.LevelWarn},
				{"error", slog.LevelError}},
			bad: []string{"trace", "info+1", "0", "warning"}},
		{env: "DOSSIER_LOG_FORMAT", field: func(c *Config) any { return c.Log.Format }, unset: LogText,
			good: []value{{"text", LogText}, {"json", LogJSON}}, bad: []string{"JSON", "logfmt"}},
	}
}

// boundCases are those of the bounds, whose table says what is allowed.
func boundCases() (cases []settingCase) {
	for _, b := range bounds.Settings() {
		c := settingCase{env: b.Env(), field: func(c *Config) any { return *b.Field(&c.Bounds) }, unset: b.Preset,
			bad: []string{"-1", "x", strconv.Itoa(b.Most + 1), strconv.Itoa(b.Least - 1)}}
		for _, n := range []int{b.Least, b.Most} {
			c.good = append(c.good, value{strconv.Itoa(n), n})
		}
		cases = append(cases, c)
	}
	return cases
}

// purposeOf returns one of the commands that read a setting.
func purposeOf(s row) Purpose { return s.purposes & -s.purposes }

func TestEverySetting(t *testing.T) {
	cases := append(settingCases(t), boundCases()...)
	for _, s := range settings() {
		if s.env == parametersEnv {
			continue // TestParameterPath.
		}
		i := slices.IndexFunc(cases, func(c settingCase) bool { return c.env == s.env })
		if i < 0 {
			t.Errorf("%s: no case", s.env)
			continue
		}
		c := cases[i]
		t.Run(s.env, func(t *testing.T) {
			for name, environ := range map[string][]string{"not set": nil, "empty": {s.env + "="}} {
				cfg, _, err := Load(t.Context(), Options{Purpose: purposeOf(s), Environ: environ})
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if got := c.field(cfg); !reflect.DeepEqual(got, c.unset) {
					t.Errorf("%s: got %#v, want %#v", name, got, c.unset)
				}
			}
			for _, v := range c.good {
				cfg, _, err := Load(t.Context(),
					Options{Purpose: purposeOf(s), Environ: append(slices.Clone(c.with), s.env+"="+v.text)})
				if err != nil {
					t.Errorf("%q: %v", v.text, err)
					continue
				}
				if got := c.field(cfg); !reflect.DeepEqual(got, v.want) {
					t.Errorf("%q: got %#v, want %#v", v.text, got, v.want)
				}
			}
			for _, text := range c.bad {
				cfg, _, err := Load(t.Context(),
					Options{Purpose: purposeOf(s), Environ: append(slices.Clone(c.with), s.env+"="+text)})
				var faults *Error
				if !errors.As(err, &faults) || len(faults.Faults) != 1 {
					t.Errorf("%q: got %v, %v; want one fault", text, cfg, err)
					continue
				}
				f := faults.Faults[0]
				want := Fault{Name: s.env, Value: printable(strings.TrimSpace(text)), Source: "environment",
					Problem: f.Problem}
				if s.Secret {
					want.Value = setting.Hidden
				}
				if f != want || !strings.HasPrefix(f.Problem, "must be "+s.Allowed) {
					t.Errorf("%q: got %+v, want %+v", text, f, want)
				}
			}
		})
	}
	if len(cases) != len(settings())-1 {
		t.Errorf("%d cases for %d settings", len(cases), len(settings())-1)
	}
}

func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range settings() {
		if seen[s.env] || !regexp.MustCompile(`^DOSSIER_[A-Z0-9_]+$`).MatchString(s.env) ||
			strings.HasPrefix(s.env, testPrefix) || strings.HasPrefix(s.env, clientPrefix) {
			t.Errorf("%s: doubled or no good name", s.env)
		}
		seen[s.env] = true
		if s.parameter != "" {
			if want := prefix +
				strings.ToUpper(strings.NewReplacer("/", "_", "-", "_").Replace(s.parameter)); s.env != want {
				t.Errorf("%s: parameter %s belongs to %s", s.env, s.parameter, want)
			}
		}
		if !strings.HasSuffix(s.doc, ".") || s.Allowed == "" || s.purposes == 0 {
			t.Errorf("%s: incomplete: %+v", s.env, s)
		}
		for _, preset := range []string{s.preset, s.presetInAWS} {
			if preset != "" {
				if err := s.Set(&Config{}, preset); err != nil {
					t.Errorf("%s: its default %q is not allowed: %v", s.env, preset, err)
				}
			}
		}
		if s.Secret && s.preset != "" {
			t.Errorf("%s: a secret with a default is none", s.env)
		}
		if admin := strings.HasPrefix(s.parameter, "db/admin/"); admin != (s.purposes == Migrate) {
			t.Errorf("%s: read by %s", s.env, s.purposes)
		}
	}
}

func TestDefaultsAreTheDomains(t *testing.T) {
	cfg, _, err := Load(t.Context(), Options{Purpose: Serve})
	if err != nil {
		t.Fatal(err)
	}
	svc := dossier.New(nil, nil, nil, dossier.Options{Limits: dossier.Limits(cfg.Limits)})
	want := dossier.DefaultLimits()
	want.Types = bounds.FileTypes // The domain by itself accepts any.
	if got := svc.Limits(); got != want {
		t.Errorf("limits: got %+v, want %+v", got, want)
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"DOSSIER_DB_PASSWROD": "DOSSIER_DB_PASSWORD",
		"DOSSIER_LISTN":       "DOSSIER_LISTEN",
		"DOSSIER_listen":      "DOSSIER_LISTEN",
		"DOSSIER_DATABASEURL": "",
		"DOSSIER_":            "",
	} {
		var known []string
		for _, s := range settings() {
			known = append(known, s.env)
		}
		if got := strings.Join(setting.Nearest(name, known), " "); got != want {
			t.Errorf("Nearest(%s) = %q, want %q", name, got, want)
		}
	}
}

// certificate writes a certificate of the test's own and returns its path.
func certificate(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
