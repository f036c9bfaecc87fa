package userdata

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshdUnit is as Amazon Linux's; the system under the overlay may name it otherwise.
const sshdUnit = `[Unit]
Description=OpenSSH server daemon
[Service]
Type=simple
RuntimeDirectory=sshd
RuntimeDirectoryPreserve=yes
ExecStart=/usr/sbin/sshd -D
ExecReload=/bin/kill -HUP $MAINPID
KillMode=process
[Install]
WantedBy=multi-user.target
`

// newJumpMachine starts a machine as the jump server is before its first start: sshd runs, with keys that cloud-init
// made.
func newJumpMachine(t *testing.T) (*machine, *cloud) {
	t.Helper()
	require(t, "sshd", "ssh-keygen")
	m := newHost(t, smallMemory)
	c := newCloud(t, m)
	m.write("/etc/systemd/system/sshd.service", 0o644, sshdUnit)
	// As the system's own comes, but for what only Amazon Linux or only Debian has.
	m.write("/etc/ssh/sshd_config", 0o600, "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\nPasswordAuthentication yes\nX11Forwarding yes\n")
	m.run("rm", "-rf", "/etc/ssh/sshd_config.d")
	m.run("ssh-keygen", "-A")
	m.run("systemctl", "enable", "--now", "--quiet", "sshd.service")
	return m, c
}

// hostKey makes a key as Terraform's and Pulumi's tls provider does, and returns it in OpenSSH's form.
func hostKey(t *testing.T) (private string, public ssh.PublicKey) {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return openSSH(t, priv), wire(t, pub)
}

func openSSH(t *testing.T, key any) string {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block))
}

func wire(t *testing.T, key any) ssh.PublicKey {
	t.Helper()
	out, err := ssh.NewPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// holding returns the plain files below a folder that hold a text, as seen from there.
func holding(t *testing.T, dir, text string) (found []string) {
	t.Helper()
	// Through a file descriptor, for the folder may be a link that only the kernel can follow.
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := fs.ReadFile(root.FS(), path)
		if strings.Contains(string(content), text) {
			found = append(found, "/"+path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

var errSeen = errors.New("the key was seen")

// shown connects to the machine's sshd for a type of host key and returns the key that it shows.
func shown(ctx context.Context, m *machine, algorithm string) (key ssh.PublicKey, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, err := dialIn(ctx, m.pid, "127.0.0.1:22")
	if err != nil {
		return nil, err
	}
	defer c.Close()
	deadline, _ := ctx.Deadline()
	if err := c.SetDeadline(deadline); err != nil {
		return nil, err
	}
	_, _, _, err = ssh.NewClientConn(c, "127.0.0.1:22", &ssh.ClientConfig{
		HostKeyAlgorithms: []string{algorithm},
		HostKeyCallback: func(_ string, _ net.Addr, k ssh.PublicKey) error {
			key = k
			return errSeen
		},
	})
	if key == nil {
		return nil, fmt.Errorf("no host key: %w", err)
	}
	return key, nil
}

func TestJumpServer(t *testing.T) {
	t.Parallel()
	m, c := newJumpMachine(t)
	private, public := hostKey(t)
	c.set(func() {
		c.parameters[devJump().HostKeyParameter] = parameter{secure: true, value: strings.TrimSuffix(private, "\n")}
		c.faults["ssm get-parameter"] = []string{"ThrottlingException", "AccessDeniedException"}
	})
	script, err := devJump().UserData()
	if err != nil {
		t.Fatal(err)
	}
	r := m.boot(script)
	t.Logf("user-data, status %d:\n%s", r.status, r.output)
	if r.status != 0 {
		t.Fatal(r.last())
	}
	within(t, "connecting", func() error {
		got, err := shown(t.Context(), m, ssh.KeyAlgoED25519)
		if err == nil && string(got.Marshal()) != string(public.Marshal()) {
			err = errors.New("sshd shows another key")
		}
		return err
	})

	m.step("no other key is left", func(t *testing.T) {
		if got := strings.Fields(m.run("sh", "-c", "ls -A /etc/ssh | grep -i key")); !slices.Equal(got, []string{"ssh_host_ed25519_key", "ssh_host_ed25519_key.pub"}) {
			t.Errorf("keys: %v", got)
		}
		if _, err := shown(t.Context(), m, ssh.KeyAlgoECDSA256); err == nil {
			t.Error("sshd shows an ECDSA key")
		}
		if got := strings.TrimSpace(m.run("stat", "--format=%a %U:%G", "/etc/ssh/ssh_host_ed25519_key")); got != "600 root:root" {
			t.Errorf("the private key is %s", got)
		}
		if got, _, _, _, err := ssh.ParseAuthorizedKey([]byte(m.read("/etc/ssh/ssh_host_ed25519_key.pub"))); err != nil || string(got.Marshal()) != string(public.Marshal()) {
			t.Errorf("the public half: %v, %v", got, err)
		}
	})
	m.step("the key is nowhere else", func(t *testing.T) {
		// Its secret lines, in output and in any file that the script could have written.
		lines := strings.Split(strings.TrimSpace(private), "\n")
		secret := lines[len(lines)-3]
		if strings.Contains(r.output, secret) {
			t.Error("the private key was printed")
		}
		if got := holding(t, filepath.Join(m.dir, "upper"), secret); !slices.Equal(got, []string{"/etc/ssh/ssh_host_ed25519_key"}) {
			t.Errorf("on the disk the private key is in %v", got)
		}
		for _, dir := range []string{"/run", "/tmp", "/dev/shm"} {
			if got := holding(t, m.path(dir), secret); got != nil {
				t.Errorf("in memory the private key is in %v", got)
			}
		}
	})
	m.step("sshd is strict", func(t *testing.T) {
		effective := strings.Split(m.run("/usr/sbin/sshd", "-T"), "\n")
		for _, want := range []string{
			"passwordauthentication no", "kbdinteractiveauthentication no", "permitrootlogin no", "permitemptypasswords no", "pubkeyauthentication yes",
			"authenticationmethods publickey", "allowagentforwarding no", "x11forwarding no", "permittunnel no", "gatewayports no",
			"allowtcpforwarding local", "allowstreamlocalforwarding no", "permituserenvironment no", "maxauthtries 3", "logingracetime 30",
			"clientaliveinterval 60", "clientalivecountmax 3", "allowusers ec2-user", "hostkey /etc/ssh/ssh_host_ed25519_key",
		} {
			if !slices.Contains(effective, want) {
				t.Errorf("sshd's settings lack %q:\n%s", want, strings.Join(effective, "\n"))
			}
		}
	})
	m.step("a second run changes nothing", func(t *testing.T) {
		before, pid := m.state(), m.property("sshd.service", "MainPID")
		if r := m.boot(script); r.status != 0 {
			t.Fatal(r.last())
		}
		if after := m.state(); !slices.Equal(after, before) {
			t.Errorf("files changed:\n%s", difference(before, after))
		}
		if got := m.property("sshd.service", "MainPID"); got != pid {
			t.Error("sshd was restarted")
		}
	})
	m.step("after a reboot it shows the same key", func(t *testing.T) {
		m.stop()
		m.start()
		within(t, "connecting", func() error {
			got, err := shown(t.Context(), m, ssh.KeyAlgoED25519)
			if err == nil && string(got.Marshal()) != string(public.Marshal()) {
				err = errors.New("sshd shows another key")
			}
			return err
		})
	})
}

// Without the right key nobody is served, and the last line says why.
func TestJumpServerFails(t *testing.T) {
	t.Parallel()
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(ed)
	if err != nil {
		t.Fatal(err)
	}
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(ed, "", []byte("passphrase"))
	if err != nil {
		t.Fatal(err)
	}
	truncated := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8[:len(pkcs8)-8]})
	for _, c := range []struct{ name, value, config, last string }{
		{"another type", openSSH(t, other), "", "holds a key that is not ed25519"},
		{"a passphrase", string(pem.EncodeToMemory(locked)), "", "holds no private key in the form of OpenSSH, without passphrase"},
		{"half a key", string(truncated), "", "holds no private key in the form of OpenSSH, without passphrase"},
		{"no key", "secret-that-is-no-key", "", "holds no private key in the form of OpenSSH, without passphrase"},
		{"a faulty configuration", openSSH(t, ed), "NoSuchOption yes\n", "status 255 of: /usr/sbin/sshd -t"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, cloud := newJumpMachine(t)
			cloud.set(func() { cloud.parameters[devJump().HostKeyParameter] = parameter{secure: true, value: c.value} })
			if c.config != "" {
				m.write("/etc/ssh/sshd_config.d/99-other.conf", 0o600, c.config)
			}
			script, err := devJump().UserData()
			if err != nil {
				t.Fatal(err)
			}
			r := m.boot(script)
			if r.status == 0 || !strings.Contains(r.last(), " bootstrap: failed: ") || !strings.Contains(r.last(), c.last) {
				t.Errorf("status %d, last line %q, want %q", r.status, r.last(), c.last)
			}
			if strings.Contains(r.output, "secret-that-is-no-key") || strings.Contains(r.output, "PRIVATE KEY") {
				t.Errorf("the parameter's value was printed:\n%s", r.output)
			}
			if left := m.run("sh", "-c", "ls -A /etc/ssh /run | grep host-key || true"); left != "" {
				t.Errorf("left behind: %s", left)
			}
			if _, err := shown(t.Context(), m, ssh.KeyAlgoED25519); err == nil {
				t.Error("sshd serves with a key that clients do not know")
			}
		})
	}
}

// Without operators nobody may connect by SSH, also after a reboot.
func TestJumpServerClosed(t *testing.T) {
	t.Parallel()
	m, _ := newJumpMachine(t)
	// Masking replaces what the system brings, which lies elsewhere than what an administrator writes.
	m.write("/usr/lib/systemd/system/sshd.service", 0o644, sshdUnit)
	if err := os.Remove(m.path("/etc/systemd/system/sshd.service")); err != nil {
		t.Fatal(err)
	}
	m.run("systemctl", "daemon-reload")
	within(t, "connecting before", func() error {
		_, err := shown(t.Context(), m, ssh.KeyAlgoED25519)
		return err
	})
	script, err := Jump{Region: "eu-central-1"}.UserData()
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range []string{"first run", "second run", "after a reboot"} {
		if run == "after a reboot" {
			m.stop()
			m.start()
		} else if r := m.boot(script); r.status != 0 {
			t.Fatalf("%s: %s", run, r.output)
		}
		if _, err := shown(t.Context(), m, ssh.KeyAlgoED25519); err == nil {
			t.Errorf("%s: sshd answers", run)
		}
		for _, unit := range []string{"sshd.service", "sshd.socket"} {
			if got := m.property(unit, "LoadState"); got != "masked" {
				t.Errorf("%s: %s is %s", run, unit, got)
			}
		}
	}
}
