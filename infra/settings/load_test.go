package settings

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"dossier.example/app/docstest"
	"dossier.example/app/setting"
	"dossier.example/infra/host/userdata"
)

func TestStackAndRegion(t *testing.T) {
	longest := strings.Repeat("a", maxStack)
	if got := len(strings.Repeat("p", maxProject) + "-" + longest); got != 63 {
		t.Errorf("the identifier of the database has %d characters with the longest names of a project and a stack, "+
			"want the 63 that RDS takes", got)
	}
	if got := len("dossier"); got > maxProject {
		t.Errorf("the project's name has %d characters, and the administrator of the database leaves it %d", got,
			maxProject)
	}
	for _, stack := range []string{"dev", "a", "1", "pr-12", longest} {
		if _, err := Parse(stack, region, ""); err != nil {
			t.Errorf("stack %s: %v", stack, err)
		}
	}
	for _, stack := range []string{"", "Dev", "a_b", "a.b", "-a", "a-", "a--b", "ä", "a b", longest + "a",
		"org/dossier/dev"} {
		_, err := Parse(stack, region, "")
		if f := faultsOf(t, err); len(f) != 1 || f[0].Name != "stack" {
			t.Errorf("stack %q: %v", stack, err)
		}
	}
	for _, good := range []string{"us-east-1", "eu-central-1", "ap-southeast-7", "il-central-1", "mx-central-1",
		"ca-west-1"} {
		if _, err := Parse("dev", good, ""); err != nil {
			t.Errorf("region %s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "us-east", "us-east-1a", "US-EAST-1", "cn-north-1", "us-gov-west-1",
		"us-iso-east-1", "eusc-de-east-1", "frankfurt", "eu-central-0"} {
		_, err := Parse("dev", bad, "")
		f := faultsOf(t, err)
		if len(f) != 1 || f[0].Name != "aws:region" || !strings.Contains(f[0].Problem, "pulumi config set aws:region") {
			t.Errorf("region %q: %v", bad, err)
		}
		if (bad == "") != strings.Contains(err.Error(), "aws:region is not set") {
			t.Errorf("region %q: the message is %v", bad, err)
		}
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, err := Parse("Live", "moon-1", `{"preset": "prod", "network": {"zones": 9, "cdir": "10.0.0.0/16"}, "service": {"min": 7, "max": 3}, "database": {"class": "huge"},
		"passwort": "hunter2"}`)
	want := []string{"stack", "aws:region", "network.zones", "database.class", "network.cdir", "passwort",
		"service.min", "site.domain"}
	var got []string
	for _, f := range faultsOf(t, err) {
		got = append(got, f.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the faults are of %v, want %v:\n%v", got, want, err)
	}
	for _, part := range []string{
		"8 faults in the settings of stack Live",
		"network.zones = 9 (Pulumi.Live.yaml): must be a whole number from 2 to 4",
		`database.class = "huge" (Pulumi.Live.yaml): must be an RDS instance class`,
		"network.cdir = (hidden) (Pulumi.Live.yaml): unknown key; did you mean network.cidr?",
		"service.min is 7 and service.max is 3", "site.domain is not set: An environment with the preset prod",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the message has no %q:\n%v", part, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the message shows the value of an unknown key:\n%v", err)
	}
}

func TestUnknownKeys(t *testing.T) {
	for _, c := range []struct{ raw, key, says string }{
		{`{"presett": "dev"}`, "presett", "did you mean preset?"},
		{`{"Preset": "dev"}`, "Preset", "did you mean preset?"},
		{`{"zones": 3}`, "zones", "did you mean network.zones?"},
		{`{"instanceType": "t4g.micro"}`, "instanceType", "did you mean service.instanceType or jump.instanceType?"},
		{`{"connections": 3}`, "connections", "did you mean service.connections or database.connections?"},
		{`{"database": {"multiAz": true}}`, "database.multiAz", "did you mean database.multiAZ?"},
		{`{"database": {"multi_az": true}}`, "database.multi_az", "did you mean database.multiAZ?"},
		{`{"site": {"zoneID": "Z1"}}`, "site.zoneID", "did you mean site.zoneId?"},
		{`{"service": {"mix": 3}}`, "service.mix", "did you mean service.min or service.max?"},
		{`{"service": {"zones": 3}}`, "service.zones", "did you mean network.zones?"},
		{`{"netwrok": {"zones": 3}}`, "netwrok", "did you mean network?"},
		{`{"network.zones": 3}`, "network.zones", "a dot does not nest keys here; write zones inside network"},
		{`{"network": {"network.zones": 3}}`, "network.network.zones", "did you mean network.zones?"},
		{`{"database": {"password": "hunter2"}}`, "database.password", "unknown key; remove it"},
		{`{"": 1}`, `""`, "unknown key; remove it"},
		{`{"a\nb": 1}`, `"a\nb"`, "unknown key; remove it"},
		{`{"` + strings.Repeat("k", 500) + `": 1}`, `"` + strings.Repeat("k", 120) + `"…`,
			"unknown key; remove it"},
	} {
		_, err := Parse("test", region, c.raw)
		f := faultsOf(t, err)
		if len(f) != 1 || f[0].Name != c.key || !strings.Contains(f[0].Problem, c.says) ||
			f[0].Value != setting.Hidden {
			t.Errorf("%s gives %+v, want one fault of %s that says %q", c.raw, f, c.key, c.says)
		}
	}
}

func TestShapes(t *testing.T) {
	for _, raw := range []string{"", " ", "{}", `{"network": {}}`} {
		if _, err := Parse("test", region, raw); err != nil {
			t.Errorf("%q: %v", raw, err)
		}
	}
	for _, c := range []struct{ raw, key, value string }{
		{"dev", Key, `"dev"`}, {`"dev"`, Key, `"\"dev\""`}, {"3", Key, `"3"`}, {"[]", Key, `"[]"`}, {"{", Key, `"{"`},
		{"{} {}", Key, `"{} {}"`},
		{"null", Key, `"null"`}, {`{"network": null}`, "network", "null"}, {`{"staff": null}`, "staff", "null"},
		{`{"network": 3}`, "network", "3"}, {`{"network": [1, "a"]}`, "network", `[1, "a"]`},
		{`{"site": "example.org"}`, "site", `"example.org"`},
		{`{"network": {"zones": {"a": 1}}}`, "network.zones", "{…}"},
		{`{"network": {"zones": null}}`, "network.zones", "null"}, {`{"preset": ["dev"]}`, "preset", `["dev"]`},
	} {
		_, err := Parse("test", region, c.raw)
		f := faultsOf(t, err)
		if len(f) != 1 || f[0].Name != c.key || f[0].Value != c.value {
			t.Errorf("%s gives %+v, want one fault of %s that shows %s", c.raw, f, c.key, c.value)
		}
		if _, err := parse("test", region, c.raw, true, func(*loader) {}); err == nil ||
			strings.Contains(err.Error(), " = "+c.value+" ") {
			t.Errorf("%s, which is secret, gives %v", c.raw, err)
		}
	}
}

// context is what Pulumi would tell; the keys of all settings and of the tags are secret if secret is set.
type context struct {
	stack  string
	config map[string]string
	secret bool
}

func (c context) Stack() string                       { return c.stack }
func (c context) GetConfig(key string) (string, bool) { value, ok := c.config[key]; return value, ok }
func (c context) IsConfigSecret(key string) bool      { return c.secret && (key == Key || key == tagsKey) }

func TestLoad(t *testing.T) {
	s, err := Load(context{stack: "pr-1",
		config: map[string]string{"aws:region": region, Key: `{"network": {"zones": "3"}}`}}, nil)
	if err != nil || s.Stack != "pr-1" || s.Region != region || s.Network.Zones != 3 {
		t.Errorf("got %+v, %v", s, err)
	}
	if _, err := Load(context{stack: "pr-1",
		config: map[string]string{Key: `{"network": {"zones": 5}}`}}, nil); err == nil ||
		!strings.Contains(err.Error(), "aws:region is not set") || !strings.Contains(err.Error(), "network.zones = 5") {
		t.Errorf("got the error %v", err)
	}
}

func TestLoadHidesSecrets(t *testing.T) {
	raw := `{"service": {"max": 7777, "connections": 555}, "network": {"cidr": "10.99.99.99/16"}, "observe": {"email": "hunter2"}, "site": {"domain": "hunter2.example.org"}, "hunter": "hunter2",
		"database": {"connections": 543}, "jump": {"operatorCIDRs": ["99.99.99.99/0"]}}`
	if _, err := Load(context{"dev", map[string]string{"aws:region": region, Key: raw}, false}, nil); err == nil ||
		!strings.Contains(err.Error(), "7777") {
		t.Fatalf("without a secret the error shows no values: %v", err)
	}
	for _, raw := range []string{raw, "hunter2", `{"service": {"connections": 777}, "database": {"connections": 55}}`} {
		_, err := Load(context{"dev", map[string]string{"aws:region": region, Key: raw}, true}, nil)
		if err == nil {
			t.Fatalf("%s is taken", raw)
		}
		for _, value := range []string{"hunter2", "7777", "777", "555", "55", "543", "10.99.99.99", "99.99"} {
			if strings.Contains(err.Error(), value) {
				t.Errorf("the error shows %s:\n%v", value, err)
			}
		}
	}
}

// root is the top of the repository.
const root = "../.."

func TestDocument(t *testing.T) {
	docstest.File(t, filepath.Join(root, "docs/settings.md"), Document())
	for _, group := range groups(keys()) {
		if titles[group] == "" {
			t.Errorf("the group %s has no heading", group)
		}
	}
}

// Values of other packages that rules here repeat, because those packages cannot be imported: the app is another
// module, and the components import this package.
func TestOthersConstants(t *testing.T) {
	for _, c := range []struct{ file, text, here string }{
		{"app/config/settings.go", `"DOSSIER_RECONCILE_AGE", parameter: "reconcile/age", preset: "24h"`,
			"maxDeregistrationDelay"},
		{"infra/service/service.go", "MaxHealthy = 110", "rolloutPercent"},
		{"infra/service/service.go", "MinHealthy = 100", "rolloutPercent"},
		{"infra/network/subnets.go", "const bits = 4", "subnets"},
	} {
		source, err := os.ReadFile(filepath.Join(root, c.file))
		if err != nil {
			t.Error(err)
		} else if !strings.Contains(string(source), c.text) {
			t.Errorf("%s has no %q any more, on which %s of this package depends", c.file, c.text, c.here)
		}
	}
	if rolloutPercent != 110 || subnets != 1<<4 ||
		maxDeregistrationDelay.Hours() >= 24 {
		t.Error("this package does not say what the others say")
	}
}

// hosts tells what the hosts' own scripts have against settings.
func hosts(s Settings) error {
	if _, err := (userdata.NAT{CIDR: s.Network.CIDR}).UserData(); err != nil {
		return err
	}
	_, err := userdata.App{
		Region: s.Region, Bucket: "dossier-releases", Key: "releases/a/release.tar.gz", SHA256: strings.Repeat("0", 64),
		Parameters: "/dossier/" + s.Stack,
		Group:      "dossier-" + s.Stack + "-app", Hook: "ready", LogGroup: "/dossier/" + s.Stack + "/app", Port: 8080,
		ShutdownTimeout: s.Service.ShutdownTimeout, StopTimeout: s.Service.StopTimeout,
		BootTimeout: s.Service.BootTimeout,
	}.UserData()
	return err
}

// FuzzParse: nothing panics, an error is one line for each fault, and what is taken keeps the rules, suits the hosts'
// scripts and is the same when it is written out and read again.
func FuzzParse(f *testing.F) {
	f.Add("dev", "us-east-1", "")
	for _, c := range keyCases() {
		for _, g := range c.good {
			f.Add("test", region, object(f, c.beside.with(companions(c.name, g.want)).with(values{c.name: g.given})))
		}
		for _, bad := range c.bad {
			f.Add("test", region, object(f, values{c.name: bad}))
		}
	}
	for _, c := range ruleCases() {
		f.Add("test", region, object(f, c.broken))
	}
	f.Add("A\nb", "x\ny", `{"a\nb": {"c": ["\u0000"]}}`)
	f.Fuzz(func(t *testing.T, stack, region, raw string) {
		s, err := Parse(stack, region, raw)
		if err != nil {
			faults := faultsOf(t, err)
			if len(faults) == 0 || strings.Count(err.Error(), "\n") != len(faults) {
				t.Fatalf("%d faults are told as\n%v", len(faults), err)
			}
			for _, fault := range faults {
				if fault.Name == "" || fault.Problem == "" {
					t.Fatalf("the fault %+v tells nothing", fault)
				}
			}
			if !reflect.DeepEqual(s, Settings{}) {
				t.Fatal("there are settings beside an error")
			}
			return
		}
		if problem := broken(s); problem != "" {
			t.Fatalf("%s: %s is taken", problem, raw)
		}
		if err := hosts(s); err != nil {
			t.Fatalf("%v: %s is taken", err, raw)
		}
		again := values{}
		for _, k := range keys() {
			if k.name != "network.natInstanceType" || s.Network.NAT == NATInstance {
				again[k.name] = k.Get(&s)
			}
		}
		same, err := Parse(stack, region, object(t, again))
		if s.Network.NAT != NATInstance {
			same.Network.NATInstanceType = s.Network.NATInstanceType // which cannot be given then
		}
		if err != nil || !reflect.DeepEqual(s, same) {
			t.Fatalf("%+v, written out and read again, is\n%+v (%v)", s, same, err)
		}
	})
}
