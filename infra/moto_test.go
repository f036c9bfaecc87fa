package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"dossier.example/infra/host/release"
	"dossier.example/infra/settings"
	"dossier.example/plan/graph"
	"dossier.example/plan/moto"
)

// TestStackInMoto creates the stack in an AWS that other people wrote, and reads it back. It tells of an order that an
// engine may not find, of inputs that AWS refuses, and of what is there beside what the program asks for.
func TestStackInMoto(t *testing.T) {
	t.Parallel()
	const region, image, zone, domain = "us-east-1", "ami-0123456789abcdef0", "Z0123456789ABCDEFGHIJ", "files.example.org"
	for _, environment := range []struct {
		stack, settings string
		order           moto.Order
	}{
		{"dev", `{"preset": "dev"}`, moto.Forward},
		{"lab", `{"preset": "dev", "network": {"nat": "instance"}}`, moto.Backward},
		// Moto takes less than an hour for the delay, AWS an hour as well.
		{"prod", `{
			"preset": "prod", "site": {"domain": "` + domain + `", "zoneId": "` + zone + `"}, "jump": {"operatorCIDRs": ["203.0.113.0/24"]},
			"service": {"image": "` + image + `", "deregistrationDelay": "14m"}, "observe": {"email": "on-call@example.org"}
		}`, moto.Backward},
	} {
		t.Run(environment.stack, func(t *testing.T) {
			t.Parallel()
			account := moto.Start(t, region)
			from := motoSource{file: filepath.Join(t.TempDir(), "release.tar.gz"), content: "a release of " + environment.stack}
			if err := os.WriteFile(from.file, []byte(from.content), 0o600); err != nil {
				t.Fatal(err)
			}
			g, err := graph.Record("dossier", environment.stack, map[string]string{
				"aws:region": region, "dossier:settings": environment.settings,
			}, stack(from))
			if err != nil {
				t.Fatal(err)
			}
			// What is there before the program runs.
			account.File(from.hash(), from.file)
			account.Zone(t, zone, "example.org")
			for _, r := range g.ByType("aws:ec2/instance:Instance") {
				account.Image(t, graph.Text(r.Input("ami")))
			}
			for _, r := range g.ByType("aws:ec2/launchTemplate:LaunchTemplate") {
				account.Image(t, graph.Text(r.Input("imageId")))
			}
			account.Build(t, g, environment.order)
			account.Check(t, g)
			proveInMoto(t, account, g, region, environment.stack, environment.settings)
		})
	}
}

// motoSource gives a release that is not the app's: only its bytes are uploaded.
type motoSource struct{ file, content string }

func (s motoSource) hash() string {
	sum := sha256.Sum256([]byte(s.content))
	return hex.EncodeToString(sum[:])
}

func (motoSource) Preflight(context.Context, settings.Settings, string) ([]string, error) {
	return nil, nil
}
func (s motoSource) Release(context.Context) (release.Release, error) {
	return release.Release{Path: s.file, SHA256: s.hash(), Key: release.Key(s.hash()), Size: int64(len(s.content))}, nil
}

func (motoSource) Migrations() (string, error) { return "0123456789ab", nil }
