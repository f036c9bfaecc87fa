package engine

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func TestLeaked(t *testing.T) {
	const secret = "s3cr3t/+with\"quotes&and-length"
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"plain":            "a " + secret + " b",
		"in JSON":          string(quoted),
		"in a URL":         "?q=" + url.QueryEscape(secret),
		"in base64":        base64.StdEncoding.EncodeToString([]byte(secret)),
		"in base64, later": base64.StdEncoding.EncodeToString([]byte("x" + secret + "y")),
		"in base64, last":  base64.StdEncoding.EncodeToString([]byte("xy" + secret)),
		"in base64 of URL": base64.URLEncoding.EncodeToString([]byte("script: " + secret + "\n")),
	} {
		if len(Leaked(text, []string{secret})) != 1 {
			t.Errorf("%s: it is not found", name)
		}
	}
	key := "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIOne\nMC4CAQAwBQYDK2VwBCIEITwo\n-----END PRIVATE KEY-----\n"
	if len(Leaked("-----BEGIN PRIVATE KEY-----", []string{key})) != 0 {
		t.Error("the mark around a key passes for it")
	}
	if len(Leaked("MC4CAQAwBQYDK2VwBCIEITwo", []string{key})) != 1 {
		t.Error("a line of a key is not found")
	}
	if len(Leaked("nothing of it", []string{secret, key})) != 0 {
		t.Error("something is found where nothing is")
	}
}

// TestStack runs the engine itself over a program of two resources: what it does, what it refuses, and that a secret
// which loses its mark is found.
func TestStack(t *testing.T) {
	t.Parallel()
	program := func(length int, value func(pulumi.StringOutput) pulumi.StringInput) pulumi.RunFunc {
		return func(ctx *pulumi.Context) error {
			password, err := random.NewRandomPassword(ctx, "password", &random.RandomPasswordArgs{Length: pulumi.Int(length), Special: pulumi.Bool(false)})
			if err != nil {
				return err
			}
			_, err = ssm.NewParameter(ctx, "parameter", &ssm.ParameterArgs{Name: pulumi.String("/password"), Type: pulumi.String("SecureString"), Value: value(password.Result)})
			return err
		}
	}
	same := func(s pulumi.StringOutput) pulumi.StringInput { return s }
	s := New(t, "example", "dev", map[string]string{"aws:region": "us-east-1"}, program(32, same))
	expect := func(r Result, want ...string) {
		t.Helper()
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		if got := strings.Join(r.Changes, ", "); got != strings.Join(want, ", ") {
			t.Errorf("the changes are %s, want %v", got, want)
		}
	}
	made := []string{"create aws:ssm/parameter:Parameter parameter", "create random:index/randomPassword:RandomPassword password"}
	expect(s.Preview(), made...)
	expect(s.Up(), made...)
	expect(s.Up())
	if found := Leaked(s.Kept(), s.Cloud.Secrets()); len(found) > 0 {
		t.Errorf("what is marked as a secret stands in the state: %v", found)
	}
	if waits, err := s.State().Waits("aws:ssm/parameter:Parameter parameter", "random:index/randomPassword:RandomPassword password"); !waits || err != nil {
		t.Errorf("the parameter waits for its value: %v, %v", waits, err)
	}

	// A drift is seen, and mended.
	if err := s.Cloud.Change("aws:ssm/parameter:Parameter", "parameter", "tier", "Advanced"); err != nil {
		t.Fatal(err)
	}
	expect(s.Refresh(), "update aws:ssm/parameter:Parameter parameter")
	expect(s.Up(), "update aws:ssm/parameter:Parameter parameter")

	s.Program(program(33, same))
	changed := []string{"replace random:index/randomPassword:RandomPassword password", "update aws:ssm/parameter:Parameter parameter"}
	expect(s.Preview(), changed...)
	expect(s.Up(), changed...)

	s.Program(program(5000, same))
	if r := s.Up(); r.Err == nil || !strings.Contains(r.Err.Error(), "may have 4096 in the standard tier") {
		t.Errorf("a value of 5000 characters should be refused: %v", r.Err)
	}

	s.Program(func(ctx *pulumi.Context) error {
		password, err := random.NewRandomPassword(ctx, "password", &random.RandomPasswordArgs{Length: pulumi.Int(33), Special: pulumi.Bool(false)})
		if err != nil {
			return err
		}
		ctx.Export("shown", pulumi.Unsecret(password.Result))
		return nil
	})
	r := s.Up()
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	if len(Leaked(s.Kept(), s.Cloud.Secrets())) == 0 || len(Leaked(r.Said, s.Cloud.Secrets())) == 0 {
		t.Error("a secret that lost its mark is not found in the state and in what was printed")
	}
	if r := s.Destroy(); r.Err != nil || len(s.Cloud.Resources()) > 0 {
		t.Errorf("the stack was not destroyed: %v, %v", r.Err, s.Cloud.Resources())
	}
}
