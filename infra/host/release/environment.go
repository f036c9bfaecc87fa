package release

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// The variables of the caller that a build sees: where programs, caches and temporary files are, and how the network is
// reached. What is not listed cannot change a release; above all GOFLAGS, GOEXPERIMENT, GODEBUG, GOFIPS140, CGO_* and
// GO_EXTLINK_ENABLED.
func fromCaller() []string {
	return []string{
		"PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
		// Windows
		"USERPROFILE", "LOCALAPPDATA", "APPDATA", "SYSTEMROOT", "SYSTEMDRIVE", "TEMP", "TMP", "PATHEXT", "COMSPEC",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC", "SSH_AUTH_SOCK",
	}
}

// fromGo are the settings of Go that say where modules and what was compiled come from. Each verifies what it gives
// (go.sum, or a hash of what was compiled), so they decide whether a build works and not what it gives. They may be set
// in the environment or by "go env -w"; Go is asked for what holds.
func fromGo() []string {
	return []string{
		"GOPATH", "GOCACHE", "GOCACHEPROG", "GOMODCACHE", "GOTMPDIR",
		"GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE", "GOVCS", "GOAUTH",
	}
}

// Toolchain is the version of Go that releases are built with, whichever one runs the build: it decides the bytes of a
// release, and with them whether a deployment from another machine rolls out. Go downloads it where another is
// installed. The go line of a go.mod is only the least version, and a toolchain line a floor that newer Go ignores. The
// workflows and the Dockerfile name the same version, which a test compares.
const Toolchain = "go1.26.8"

// pinned is what decides the bytes, apart from the source. The levels of the processors are Go's defaults: they run
// on every machine of AWS.
func pinned(arch string) []string {
	return []string{
		"GOTOOLCHAIN=" + Toolchain, "CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + arch, "GOAMD64=v1", "GOARM64=v8.0",
		"GOENV=off", // or what "go env -w" set would hold where a variable here is not set
		"GOWORK=off", "GO111MODULE=on", "GOFLAGS=-mod=readonly", "GOFIPS140=off",
		"LC_ALL=C", "GIT_TERMINAL_PROMPT=0", // nobody is there to answer
	}
}

// callerEnvironment returns the part of the caller's environment in which Go is asked for its settings. They may be in
// the environment too.
func callerEnvironment(environ []string) []string {
	return choose(environ, slices.Concat(fromCaller(), fromGo(), []string{"GOENV"}))
}

// choose returns the variables of the given names. Proxies' names are written in small letters too, Windows's in
// either.
func choose(environ, names []string) (chosen []string) {
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if slices.Contains(names, strings.ToUpper(name)) {
			chosen = append(chosen, variable)
		}
	}
	return chosen
}

// environment returns the environment for builds.
func (g *goTool) environment(ctx context.Context, arch string) ([]string, error) {
	out, err := g.run(ctx, append([]string{"env", "-json"}, fromGo()...)...)
	if err != nil {
		return nil, err
	}
	var settings map[string]string
	if err := json.Unmarshal(out, &settings); err != nil {
		return nil, fmt.Errorf("reading what go env said: %w", err)
	}
	env := choose(g.env, fromCaller())
	for _, name := range fromGo() {
		if value := settings[name]; value != "" {
			env = append(env, name+"="+value)
		}
	}
	return append(env, pinned(arch)...), nil
}
