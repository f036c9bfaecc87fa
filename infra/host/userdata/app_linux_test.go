package userdata

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/infra/host/release"
)

// The memory of machines, in KiB: of the smallest instance there is, and of one on which nothing has to be done about
// memory.
const (
	nanoMemory  = 440_000
	smallMemory = 1_900_000
)

// appMachine is an instance of the app's group, before its first start, with the cloud around it and one release in S3.
type appMachine struct {
	*machine
	*cloud
	app App
}

// dnf fails while /etc/dnf-is-broken exists, once if that says so. It installs what a test can do without: of the
// CloudWatch agent only what is called, of nftables the one that was hidden.
const dnf = `#!/bin/bash
set -euo pipefail
echo "$*" >>/var/log/dnf
if [[ -e /etc/dnf-is-broken ]]; then
	if [[ -s /etc/dnf-is-broken ]]; then rm /etc/dnf-is-broken; fi
	echo 'Error: Failed to download metadata for repo' >&2
	exit 1
fi
case ${!#} in
amazon-cloudwatch-agent)
	id cwagent >/dev/null 2>&1 || useradd --system --user-group --no-create-home cwagent
	mkdir -p /opt/aws/amazon-cloudwatch-agent/bin
	printf '#!/bin/bash\necho "$*" >>/var/log/agent\ncat "${!##file:}" >>/var/log/agent\n' >/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl
	chmod 0755 /opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl
	;;
nftables) mv /usr/lib/hidden-nft /usr/sbin/nft ;;
*) echo "No match for argument: ${!#}" >&2; exit 1 ;;
esac
`

// newHost starts a machine with stand-ins for what only Amazon Linux has, and for what would reach this machine's
// kernel.
func newHost(t *testing.T, kib int) *machine {
	t.Helper()
	m := newMachine(t, kib)
	m.write("/usr/bin/dnf", 0o755, dnf)
	for _, name := range []string{"mkswap", "swapon", "swapoff"} {
		m.write("/usr/sbin/"+name, 0o755, "#!/bin/sh\necho \""+name+" $*\" >>/var/log/swap\n")
	}
	return m
}

// newAppMachine starts an instance whose release is the given archive.
func newAppMachine(t *testing.T, kib int, archive []byte) *appMachine {
	t.Helper()
	m := newHost(t, kib)
	c := newCloud(t, m)
	a := devApp()
	sum := sha256.Sum256(archive)
	a.SHA256 = hex.EncodeToString(sum[:])
	a.Key = release.Key(a.SHA256)
	c.objects[[2]string{a.Bucket, a.Key}] = archive
	// Without a database, bucket and table the app keeps everything in a folder. It must be given one: the unit has
	// none.
	c.parameters[a.Parameters+"/trusted-proxies"] = parameter{value: "10.20.0.0/16"}
	m.write("/etc/systemd/system/dossier.service.d/test.conf", 0o644, "[Service]\nEnvironment=AWS_ENDPOINT_URL_SSM=http://"+ssmAddress+
		"\nEnvironment=DOSSIER_DATA=/var/lib/dossier\nStateDirectory=dossier\n")
	return &appMachine{m, c, a}
}

// builtRelease is the release that the stack installs, for this machine's architecture.
var builtRelease = sync.OnceValues(func() ([]byte, error) {
	built, err := release.Build(context.Background(), "../../..", runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(built.Path)
})

// realRelease is what is built once for all tests.
func realRelease(t *testing.T) []byte {
	t.Helper()
	requireMachine(t)
	require(t, "go")
	archive, err := builtRelease()
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

// firstBoot runs the user-data as it is rendered for the budget given, in place of the minutes that an instance has.
func (m *appMachine) firstBoot(budget time.Duration) result {
	m.machine.t.Helper()
	script, err := m.app.script(budget)
	if err != nil {
		m.machine.t.Fatal(err)
	}
	r := m.boot(script)
	m.machine.t.Logf("user-data, status %d:\n%s", r.status, r.output)
	return r
}

// plenty is a budget that nothing uses up; slow one that is used up by waiting for what never comes, and on an idle
// machine long enough for what comes before.
const (
	plenty = 4 * time.Minute
	slow   = 5 * time.Second
)

// get asks the app from its own machine.
func (m *machine) get(ctx context.Context, port int, path string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, address string) (net.Conn, error) { return dialIn(ctx, m.pid, address) },
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", port, path), nil)
	if err != nil {
		return 0, err
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	return res.StatusCode, nil
}

// property returns one of a unit's properties.
func (m *machine) property(unit, name string) string {
	m.t.Helper()
	return strings.TrimSpace(m.run("systemctl", "show", "--property="+name, "--value", unit))
}

// state describes every file of the folders that a user-data writes to, but for what a log grows by.
func (m *machine) state() []string {
	m.t.Helper()
	out := m.run("find", "/etc", "/opt", "/usr/local/sbin", "/var/log", "!", "-path", "/var/log/journal*",
		"!", "-name", "*.log", "-printf", "%p %y %m %u:%g %s %T@ %l\n")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	slices.Sort(lines)
	return lines
}

func TestAppInstance(t *testing.T) {
	t.Parallel()
	archive := realRelease(t)
	m := newAppMachine(t, nanoMemory, archive)
	old := "/opt/dossier/releases/" + strings.Repeat("0", 64)
	m.write(old+"/dossier", 0o755, "an older release")

	r := m.firstBoot(plenty)
	if r.status != 0 || !strings.Contains(r.output, "ready after ") {
		t.Fatalf("the user-data failed: %s", r.last())
	}
	if got := m.answers(); !slices.Equal(got, []string{"CONTINUE"}) {
		t.Fatalf("the group was told %q", got)
	}
	want := map[string]string{
		"auto-scaling-group-name": m.app.Group, "lifecycle-hook-name": m.app.Hook, "instance-id": instanceID, "lifecycle-action-result": "CONTINUE"}
	if got := m.made("autoscaling complete-lifecycle-action")[0].options; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the group was told %v, want %v", got, want)
	}
	if status, err := m.get(t.Context(), m.app.Port, "/readyz"); status != http.StatusOK {
		t.Fatalf("/readyz: %d, %v", status, err)
	}

	m.step("what is installed is the release", func(t *testing.T) {
		for name, content := range untar(t, archive) {
			path := "/opt/dossier/releases/" + m.app.SHA256 + "/" + name
			if m.read(path) != string(content) {
				t.Errorf("%s differs from the release's", path)
			}
			want := map[string]string{"dossier": "755 root:root", "rds-ca.pem": "644 root:root"}[name]
			if got := strings.TrimSpace(m.run("stat", "--format=%a %U:%G", path)); got != want {
				t.Errorf("%s is %s, want %s", path, got, want)
			}
		}
		if got := strings.TrimSpace(m.run("ls", "-A", "/opt/dossier/releases")); got != m.app.SHA256 {
			t.Errorf("releases on the disk: %q", got)
		}
	})
	m.step("the unit is sound", func(t *testing.T) {
		if out := m.run("systemd-analyze", "verify", "--man=no", "/etc/systemd/system/dossier.service", "/etc/systemd/system/dossier-logs.service",
			"/etc/systemd/system/dossier-rotate.timer"); out != "" {
			t.Errorf("systemd-analyze verify says:\n%s", out)
		}
		unit, err := m.app.unit()
		if err != nil || m.read("/etc/systemd/system/dossier.service") != unit && m.read("/etc/systemd/system/dossier.service") != withoutComments(unit) {
			t.Errorf("the unit on the disk is not the unit rendered (%v)", err)
		}
	})
	m.step("the app is confined", func(t *testing.T) {
		status := m.run("cat", "/proc/"+m.property("dossier.service", "MainPID")+"/status")
		for _, line := range []string{"NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000"} {
			if !strings.Contains(status, line+"\n") {
				t.Errorf("no %q in:\n%s", line, status)
			}
		}
		if uid := strings.TrimSpace(m.run("id", "-u", "dossier")); uid == "0" || !strings.Contains(status, "Uid:\t"+uid+"\t"+uid+"\t"+uid+"\t"+uid+"\n") {
			t.Errorf("it does not run as %s:\n%s", uid, status)
		}
		environment := m.run("cat", "/proc/"+m.property("dossier.service", "MainPID")+"/environ")
		for _, want := range []string{
			"DOSSIER_PARAMETERS=/dossier/dev", "DOSSIER_LISTEN=:8080", "AWS_REGION=eu-central-1", "DOSSIER_LOG_FORMAT=json",
			"DOSSIER_DB_CA_FILE=/opt/dossier/current/rds-ca.pem", "DOSSIER_TIMEOUT_SHUTDOWN=30s",
			"GOMEMLIMIT=" + strconv.Itoa(nanoMemory*45/100/1024) + "MiB",
		} {
			if !slices.Contains(strings.Split(environment, "\x00"), want) {
				t.Errorf("no %s in its environment: %q", want, environment)
			}
		}
		for name, want := range map[string]string{"TimeoutStopUSec": "1min", "Restart": "always", "StartLimitIntervalUSec": "0", "LimitNOFILE": "65536"} {
			if got := m.property("dossier.service", name); got != want {
				t.Errorf("%s = %s, want %s", name, got, want)
			}
		}
	})
	m.step("the log is shipped", func(t *testing.T) {
		within(t, "starting the agent", func() error {
			if got := m.property("dossier-logs.service", "ActiveState"); got != "active" {
				return errors.New("dossier-logs.service is " + got)
			}
			return nil
		})
		call, config, _ := strings.Cut(m.read("/var/log/agent"), "\n")
		if call != "-a fetch-config -m ec2 -s -c file:/etc/dossier/agent.json" {
			t.Errorf("the agent was called with %s", call)
		}
		var read struct {
			Agent struct {
				Region string `json:"region"`
				User   string `json:"run_as_user"`
			} `json:"agent"`
			Logs struct {
				Collected struct {
					Files struct {
						List []map[string]any `json:"collect_list"`
					} `json:"files"`
				} `json:"logs_collected"`
			} `json:"logs"`
		}
		decoder := json.NewDecoder(strings.NewReader(config))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&read); err != nil {
			t.Fatalf("the agent's configuration: %v\n%s", err, config)
		}
		want := map[string]any{"file_path": logFile, "log_group_name": "/dossier/dev/app", "log_stream_name": "{instance_id}"}
		if list := read.Logs.Collected.Files.List; len(list) != 1 || fmt.Sprint(list[0]) != fmt.Sprint(want) || read.Agent.Region != "eu-central-1" || read.Agent.User != "cwagent" {
			t.Errorf("the agent's configuration is %s", config)
		}
		if got := strings.TrimSpace(m.run("stat", "--format=%a %U:%G", logFile)); got != "640 root:cwagent" {
			t.Errorf("%s is %s", logFile, got)
		}
		// The machine has little memory, so that dnf got swap, and gave it back.
		if got := m.read("/var/log/swap"); !regexp.MustCompile(`(?s)mkswap (\S+)\nswapon (\S+)\nswapoff (\S+)\n$`).MatchString(got) {
			t.Errorf("swap: %s", got)
		}
		if _, err := os.Stat(m.path("/var/install-package.swap")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the swap file is still there: %v", err)
		}
		if !strings.Contains(m.read(logFile), `"msg":"starting"`) {
			t.Errorf("the log holds:\n%s", m.read(logFile))
		}
	})
	m.step("the log is bounded", func(t *testing.T) {
		m.run("systemctl", "is-active", "dossier-rotate.timer")
		before := m.read(logFile)
		m.run("systemctl", "start", "dossier-rotate.service")
		if !strings.HasPrefix(m.read(logFile), before) {
			t.Error("a small log was rotated")
		}
		m.run("truncate", "--size=64M", logFile)
		m.run("systemctl", "start", "dossier-rotate.service")
		if got := strings.TrimSpace(m.run("stat", "--format=%s", logFile+".1")); got != strconv.Itoa(64<<20) {
			t.Errorf("the rotated log has %s bytes", got)
		}
		if got := strings.TrimSpace(m.run("stat", "--format=%a %U:%G", logFile+".1")); got != "640 root:cwagent" {
			t.Errorf("the rotated log is %s", got)
		}
		size, err := strconv.Atoi(strings.TrimSpace(m.run("stat", "--format=%s", logFile)))
		if err != nil || size > 1<<20 {
			t.Errorf("the log has %d bytes after the rotation, %v", size, err)
		}
	})
	m.step("a second run changes nothing", func(t *testing.T) {
		before, pid, logs := m.state(), m.property("dossier.service", "MainPID"), m.property("dossier-logs.service", "InvocationID")
		m.forget()
		if r := m.firstBoot(plenty); r.status != 0 {
			t.Fatalf("the second run failed: %s", r.last())
		}
		if after := m.state(); !slices.Equal(after, before) {
			t.Errorf("files changed:\n%s", difference(before, after))
		}
		if got := m.property("dossier.service", "MainPID"); got != pid {
			t.Errorf("the app was restarted: process %s, then %s", pid, got)
		}
		if got := m.property("dossier-logs.service", "InvocationID"); got != logs {
			t.Error("the shipping of logs was restarted")
		}
		if made := m.made("s3api get-object"); len(made) != 0 {
			t.Errorf("it downloaded again: %v", made)
		}
	})
	m.step("after a reboot it serves by itself", func(t *testing.T) {
		m.stop()
		m.start()
		m.connect()
		within(t, "/readyz", func() error {
			status, err := m.get(t.Context(), m.app.Port, "/readyz")
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("answered %d", status)
			}
			return err
		})
		m.run("systemctl", "is-active", "dossier-rotate.timer")
	})
	m.step("it comes back when it is killed", func(t *testing.T) {
		pid := m.property("dossier.service", "MainPID")
		m.run("systemctl", "kill", "--signal=KILL", "dossier.service")
		within(t, "/readyz", func() error {
			if m.property("dossier.service", "MainPID") == pid {
				return errors.New("the process still runs")
			}
			status, err := m.get(t.Context(), m.app.Port, "/readyz")
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("answered %d", status)
			}
			return err
		})
	})
	m.step("it stops in good order", func(t *testing.T) {
		m.run("systemctl", "stop", "dossier.service")
		if got := m.property("dossier.service", "Result") + " " + m.property("dossier.service", "ExecMainStatus"); got != "success 0" {
			t.Errorf("it ended with %s", got)
		}
		if !strings.Contains(m.read(logFile), `"msg":"stopped"`) {
			t.Errorf("the log ends:\n%s", m.read(logFile))
		}
	})
	m.step("another release takes over and the old one goes", func(t *testing.T) {
		other := pack(t, map[string][]byte{"dossier": append(untar(t, archive)["dossier"], "\n"...), "rds-ca.pem": untar(t, archive)["rds-ca.pem"]})
		before := m.app.SHA256
		sum := sha256.Sum256(other)
		m.app.SHA256 = hex.EncodeToString(sum[:])
		m.app.Key = release.Key(m.app.SHA256)
		m.set(func() { m.objects[[2]string{m.app.Bucket, m.app.Key}] = other })
		if r := m.firstBoot(plenty); r.status != 0 {
			t.Fatal(r.last())
		}
		if got := strings.TrimSpace(m.run("ls", "-A", "/opt/dossier/releases")); got != m.app.SHA256 || got == before {
			t.Errorf("releases on the disk: %q", got)
		}
		if got := strings.TrimSpace(m.run("readlink", "/proc/"+m.property("dossier.service", "MainPID")+"/exe")); !strings.Contains(got, m.app.SHA256) {
			t.Errorf("%s runs", got)
		}
	})
}

// Faults that pass are waited out.
func TestAppInstanceRetries(t *testing.T) {
	t.Parallel()
	m := newAppMachine(t, smallMemory, realRelease(t))
	m.set(func() {
		m.faults["s3api get-object"] = []string{"AccessDenied", "SlowDown"}
		m.faults["autoscaling complete-lifecycle-action"] = []string{"Throttling"}
	})
	if r := m.firstBoot(plenty); r.status != 0 {
		t.Fatal(r.last())
	}
	if got := m.answers(); !slices.Equal(got, []string{"CONTINUE", "CONTINUE"}) {
		t.Errorf("the group was told %q", got)
	}
	if got := len(m.made("s3api get-object")); got != 3 {
		t.Errorf("%d downloads, want 3", got)
	}
}

// The app serves although its log cannot be shipped, and the shipping is tried again.
func TestAppInstanceWithoutLogAgent(t *testing.T) {
	t.Parallel()
	m := newAppMachine(t, smallMemory, realRelease(t))
	m.write("/etc/dnf-is-broken", 0o644, "")
	if r := m.firstBoot(plenty); r.status != 0 {
		t.Fatal(r.last())
	}
	if got := m.answers(); !slices.Equal(got, []string{"CONTINUE"}) {
		t.Errorf("the group was told %q", got)
	}
	within(t, "giving up for now", func() error {
		if got := m.property("dossier-logs.service", "SubState"); got != "auto-restart" {
			return errors.New("dossier-logs.service is " + got)
		}
		return nil
	})
	if status, err := m.get(t.Context(), m.app.Port, "/readyz"); status != http.StatusOK {
		t.Errorf("/readyz: %d, %v", status, err)
	}
	m.run("rm", "/etc/dnf-is-broken")
	m.run("systemctl", "restart", "dossier-logs.service")
	if !strings.Contains(m.read("/var/log/agent"), "fetch-config") {
		t.Error("the agent was not started")
	}
}

// Whatever goes wrong: the group gives the instance up, the script fails, and its last line says why.
func TestAppInstanceFails(t *testing.T) {
	t.Parallel()
	archive := realRelease(t)
	real := untar(t, archive)
	for _, c := range []struct {
		name    string
		archive []byte
		budget  time.Duration
		prepare func(*appMachine)
		last    string
		answers []string
		// report is part of what CloudWatch Logs got.
		report string
	}{
		{
			name: "another hash", prepare: func(m *appMachine) {
				tampered := slices.Clone(archive)
				tampered[len(tampered)/2] ^= 1
				m.objects[[2]string{m.app.Bucket, m.app.Key}] = tampered
			},
			last: "has the SHA-256 ", answers: []string{"ABANDON"}, report: "has the SHA-256 ",
		}, {
			name: "no such object", prepare: func(m *appMachine) { clear(m.objects) },
			last: "was not downloaded", answers: []string{"ABANDON"}, report: "was not downloaded",
		}, {
			name: "never ready", budget: slow, prepare: func(m *appMachine) { m.ssmRefuses = "AccessDeniedException" },
			last: "http://localhost:8080/readyz did not answer 200 in time", answers: []string{"ABANDON"}, report: "AccessDeniedException",
		}, {
			name: "stores missing, nothing to keep data in", budget: slow, prepare: func(m *appMachine) {
				m.write("/etc/systemd/system/dossier.service.d/test.conf", 0o644, "[Service]\nEnvironment=AWS_ENDPOINT_URL_SSM=http://"+ssmAddress+"\n")
			},
			last: "http://localhost:8080/readyz did not answer 200 in time", answers: []string{"ABANDON"}, report: "read-only file system",
		}, {
			name: "no program for this machine", archive: pack(t, map[string][]byte{"dossier": []byte("\x7fELF nonsense"), "rds-ca.pem": real["rds-ca.pem"]}),
			budget: slow,
			last:   "http://localhost:8080/readyz did not answer 200 in time", answers: []string{"ABANDON"}, report: "Failed to start dossier.service",
		}, {
			name: "a third file", archive: pack(t, map[string][]byte{"dossier": real["dossier"], "rds-ca.pem": real["rds-ca.pem"], "more": nil}),
			last: "does not hold dossier and rds-ca.pem alone", answers: []string{"ABANDON"},
		}, {
			name: "a path", archive: pack(t, map[string][]byte{"dossier": real["dossier"], "../rds-ca.pem": real["rds-ca.pem"]}),
			last: "does not hold dossier and rds-ca.pem alone", answers: []string{"ABANDON"},
		}, {
			name: "a link", archive: pack(t, map[string][]byte{"dossier": real["dossier"], "rds-ca.pem -> /etc/shadow": nil}),
			last: "does not hold dossier and rds-ca.pem alone", answers: []string{"ABANDON"},
		}, {
			name: "no metadata", prepare: func(m *appMachine) { m.instance = "not an id" }, budget: 5 * time.Second,
			last: "the instance metadata service did not tell the instance id", answers: nil,
		}, {
			name: "a full user table", prepare: func(m *appMachine) {
				m.write("/usr/sbin/useradd", 0o755, "#!/bin/sh\nexit 1\n")
			},
			last: "useradd --system", answers: []string{"ABANDON"},
		}, {
			name: "the group does not listen", budget: slow, prepare: func(m *appMachine) {
				m.faults["autoscaling complete-lifecycle-action"] = slices.Repeat([]string{"AccessDenied"}, 20)
			},
			last: "was not told that the instance is ready", report: "was not told that the instance is ready",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.archive == nil {
				c.archive = archive
			}
			for budget := cmp.Or(c.budget, plenty); ; budget *= 2 {
				m := newAppMachine(t, smallMemory, c.archive)
				if c.prepare != nil {
					m.set(func() { c.prepare(m) })
				}
				r := m.firstBoot(budget)
				faults := m.failedAs(r, c.last, c.answers, c.report)
				// A busy machine uses up a short budget before it comes to the wait that is meant to.
				if len(faults) > 0 && 2*budget <= plenty {
					t.Logf("once more, with twice %v: %q", budget, faults)
					m.stop()
					continue
				}
				for _, fault := range faults {
					t.Error(fault)
				}
				return
			}
		})
	}
}

// failedAs lists what is wrong with how a first boot failed: its last line, what the group was told, and what
// CloudWatch Logs got.
func (m *appMachine) failedAs(r result, last string, answers []string, report string) (faults []string) {
	tell := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if r.status == 0 {
		tell("the script succeeded")
	}
	if !strings.Contains(r.last(), " bootstrap: failed: ") || !strings.Contains(r.last(), last) {
		tell("its last line is %q, want %q", r.last(), last)
	}
	if got := m.answers(); answers != nil && !slices.Equal(got, answers) {
		tell("the group was told %q, want %q", got, answers)
	}
	reports := m.made("logs put-log-events")
	if report != "" && (len(reports) != 1 || !strings.Contains(strings.Join(reports[0].events, "\n"), report)) {
		tell("CloudWatch Logs got %v, want %q", reports, report)
	}
	if i := slices.IndexFunc(m.calls, func(made call) bool { return made.options["lifecycle-action-result"] == "ABANDON" }); report != "" && i >= 0 &&
		!slices.ContainsFunc(m.calls[:i], func(made call) bool { return made.command == "logs put-log-events" }) {
		tell("the group was told, and may have ended the instance, before the report was sent")
	}
	for _, made := range reports {
		if made.options["log-group-name"] != m.app.LogGroup || !strings.HasPrefix(made.options["log-stream-name"], instanceID+"/bootstrap-") {
			tell("the report went to %v", made.options)
		}
	}
	if out, err := m.try(m.machine.t.Context(), "find", "/opt/dossier/releases", "-name", ".incoming*"); err == nil && out != "" {
		tell("a half-done download is left: %s", out)
	}
	return faults
}

// systemd itself judges how far the unit confines the app.
func TestUnitExposure(t *testing.T) {
	require(t, "systemd-analyze")
	unit, err := devApp().unit()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "dossier.service")
	if err := os.WriteFile(path, []byte(unit), 0o644); err != nil {
		t.Fatal(err)
	}
	// The threshold is in tenths.
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=14", path).CombinedOutput()
	found := regexp.MustCompile(`Overall exposure level for dossier.service: ([0-9.]+)`).FindSubmatch(out)
	if err != nil || found == nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("exposure %s of 10", found[1])
}

// pack makes a release of files; "NAME -> TARGET" is a symbolic link.
func pack(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewWriter(zipped)
	for name, content := range files {
		header := &tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}
		if link, target, ok := strings.Cut(name, " -> "); ok {
			header = &tar.Header{Name: link, Linkname: target, Typeflag: tar.TypeSymlink, Mode: 0o777}
		}
		if err := archive.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func untar(t *testing.T, archive []byte) map[string][]byte {
	t.Helper()
	zipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for r := tar.NewReader(zipped); ; {
		header, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

// difference lists the lines that are in one of two sorted lists only.
func difference(before, after []string) string {
	var out []string
	for _, line := range before {
		if !slices.Contains(after, line) {
			out = append(out, "- "+line)
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			out = append(out, "+ "+line)
		}
	}
	return strings.Join(out, "\n")
}
