//go:build linux

package schema_test

import (
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"dossier.example/infra/host/release"
	"dossier.example/infra/host/schema"
	"dossier.example/infra/host/schema/schematest"
	"dossier.example/infra/internal/testservers"
)

// repository is this repository's root, seen from this package.
const repository = "../../.."

func fields() schema.Script {
	return schema.Script{
		Region: "eu-central-1", Bucket: "dossier-test-releases-1a2b3c", Parameters: "/dossier/test",
		ReleaseParameter: "/dossier/test/release", Wait: 2 * time.Minute,
	}
}

func render(t *testing.T, s schema.Script) string {
	t.Helper()
	text, err := s.Render()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestOverSSH(t *testing.T) {
	s := fields()
	schematest.Suite(t, repository, s, render(t, s))
}

// TestFailures: whatever is wrong, the last line says what and how to mend it.
func TestFailures(t *testing.T) {
	s := fields()
	s.Wait = time.Second
	text := render(t, s)
	w := schematest.New(t, repository, s)
	good, none := schematest.ReleaseParameter(w.Release), strings.Repeat("0", 64)

	for name, c := range map[string]struct {
		set  map[string]string
		last []string
	}{
		"nothing listens": {nil, []string{"did not answer within 1 seconds", s.Parameters + "/db/host"}},
		"no release parameter": {map[string]string{"release": ""},
			[]string{s.ReleaseParameter, "ssm:GetParameter"}},
		"no release": {map[string]string{"release": "None"},
			[]string{s.ReleaseParameter, "<key> <sha256>", "pulumi up"}},
		"more than a release": {map[string]string{"release": good + " more"}, []string{"<key> <sha256>"}},
		"a shell's word": {map[string]string{"release": strings.Replace(good, " ", " $(reboot)", 1)},
			[]string{"<key> <sha256>"}},
		"a name of another hash": {map[string]string{"release": good[:len(good)-64] + strings.Repeat("0", 64)},
			[]string{"<key> <sha256>"}},
		"a version besides": {map[string]string{"release": strings.Replace(good, " ", " x ", 1)},
			[]string{"<key> <sha256>"}},
		"no such object": {map[string]string{"release": release.Key(none) + " " + none},
			[]string{release.Key(none), "s3:GetObject"}},
		"no password of the app's": {map[string]string{"db/password": ""},
			[]string{"the settings below " + s.Parameters, "mend what the lines above name"}},
		"the admin is the app": {map[string]string{"db/user": w.Database.AdminUser},
			[]string{"the settings below " + s.Parameters}},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.In(t)
			w.Set(c.set)
			w.Fail(text, c.last...)
		})
	}

	t.Run("another run", func(t *testing.T) {
		w := w.In(t)
		w.Set(nil)
		lock, err := os.OpenFile(filepath.Join(w.Temp(), fmt.Sprintf("dossier-schema-%d.lock", os.Getuid())),
			os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Close()
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		w.Fail(text, "another run on this host did not end within 1 seconds")
	})

	t.Run("damaged", func(t *testing.T) {
		w := w.In(t)
		// A program that would be noticed.
		w.Put(w.Release.Key, []byte("not this one"))
		w.Set(nil)
		w.Fail(text, w.Release.Key, "does not have the SHA-256 "+w.Release.SHA256, "not run")
	})

	t.Run("not an archive", func(t *testing.T) {
		w := w.In(t)
		content := []byte("not an archive")
		sum := fmt.Sprintf("%x", sha256.Sum256(content))
		other := release.Release{Key: release.Key(sum), SHA256: sum}
		w.Put(other.Key, content)
		w.Set(map[string]string{"release": schematest.ReleaseParameter(other)})
		w.Fail(text, other.Key, "could not be unpacked")
	})

	w.Database.Start()
	t.Run("a certificate by someone else", func(t *testing.T) {
		w := w.In(t)
		other := w.Build(repository, testservers.Authority(t))
		w.Set(map[string]string{"release": schematest.ReleaseParameter(other)})
		w.Fail(text, "rds-ca.pem", "infra/host/release")
	})
}

// TestEnds: a script that waits for a database ends when it is told to, and by its own limit, and takes all that it
// started with it.
func TestEnds(t *testing.T) {
	s := fields()
	w := schematest.New(t, repository, s)
	// Takes connections and says nothing.
	l, err := net.Listen("tcp", net.JoinHostPort(w.Database.Host, strconv.Itoa(w.Database.Port)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	connected := make(chan struct{}, 100)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			select {
			case connected <- struct{}{}:
			default:
			}
		}
	}()

	t.Run("signal", func(t *testing.T) {
		w := w.In(t)
		cmd := w.Command(render(t, s))
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-connected:
		case <-time.After(3 * time.Minute):
			t.Error("the script does not try the database")
		}
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // its status is looked at
		result := testservers.Result{Status: cmd.ProcessState.ExitCode(), Stdout: stdout.String(),
			Stderr: stderr.String()}
		w.Failed(result, nil, "ended by a signal", "run it again")
		w.Clean(result, nil)
		free(t, w)
	})

	t.Run("limit", func(t *testing.T) {
		w := w.In(t)
		text := render(t, s)
		short := strings.Replace(text, fmt.Sprintf("\nlimit=%d ", int(s.Limit().Seconds())), "\nlimit=3 ", 1)
		if short == text {
			t.Fatal("the limit is not where this test looks for it")
		}
		w.Set(nil)
		w.Fail(short, "limit of 3 seconds", "run it again")
		free(t, w)
	})
}

// free wants that nobody holds the script's lock, which all that it starts inherit.
func free(t *testing.T, w *schematest.World) {
	t.Helper()
	lock, err := os.OpenFile(filepath.Join(w.Temp(), fmt.Sprintf("dossier-schema-%d.lock", os.Getuid())), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Errorf("the script's lock is still held: %v", err)
	}
}
