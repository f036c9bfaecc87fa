//go:build linux

package testservers

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// SSHD is an SSH server whose sessions run commands with bash, as the current user, in the environment that it was
// given and no other.
type SSHD struct {
	// Address is host:port on loopback.
	Address string
	// User is whom to sign in as.
	User string
	// Login is the key that may sign in; HostKey is the server's own.
	Login   ssh.Signer
	HostKey ssh.PublicKey

	process *process
}

// NewSSHD starts a server. The environment of its sessions is in the form NAME=value; PATH has to be among it.
func NewSSHD(t testing.TB, environment ...string) *SSHD {
	t.Helper()
	program := Require(t, "sshd")
	current, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		// Where the server, run by root, puts the part of itself that talks to strangers; its service makes it at boot.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir := folder(t, "sshd")
	write := func(name string, content []byte, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	s := &SSHD{Address: address(freePort(t)), User: current.Username}
	hostSigner, host := newKey(t)
	s.HostKey = hostSigner.PublicKey()
	s.Login, _ = newKey(t)

	// By a command of its own and not by SetEnv: the user's shell reads its start-up files first, and may change PATH
	// there.
	var session strings.Builder
	session.WriteString("#!/bin/sh\nexec env -i")
	for _, variable := range environment {
		session.WriteString(" '" + strings.ReplaceAll(variable, "'", `'\''`) + "'")
	}
	session.WriteString(" bash -c \"$SSH_ORIGINAL_COMMAND\"\n")
	config := []string{
		"ListenAddress " + s.Address,
		"HostKey " + write("host_key", pem.EncodeToMemory(host), 0o600),
		"AuthorizedKeysFile " + write("authorized_keys", ssh.MarshalAuthorizedKey(s.Login.PublicKey()), 0o600),
		"ForceCommand " + write("session", []byte(session.String()), 0o755),
		"PidFile none",
		"StrictModes no", // the folder lies in /tmp
		"UsePAM no",
		"PasswordAuthentication no",
		"KbdInteractiveAuthentication no",
		"LogLevel VERBOSE",
	}
	file := write("sshd_config", []byte(strings.Join(config, "\n")+"\n"), 0o600)
	// -D: no daemon; -e: the log goes to standard error.
	s.process = start(t, exec.Command(program, "-D", "-e", "-f", file), func(ctx context.Context) error {
		client, err := s.Dial(ctx, s.HostKey)
		if err != nil {
			return err
		}
		return client.Close()
	})
	return s
}

// Log returns what the server has said.
func (s *SSHD) Log() string { return s.process.log.String() }

// Dial connects as pulumi-command's remote.Command does when it is given a host key: it takes no other. (It tries again
// when that fails, so many times as it is told; here the first try counts.)
func (s *SSHD) Dial(ctx context.Context, hostKey ssh.PublicKey) (*ssh.Client, error) {
	config := &ssh.ClientConfig{
		User: s.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(s.Login)}, HostKeyCallback: ssh.FixedHostKey(hostKey), Timeout: 15 * time.Second,
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil, err
	}
	// The handshake is bounded too.
	if err := conn.SetDeadline(time.Now().Add(config.Timeout)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	c, channels, requests, err := ssh.NewClientConn(conn, s.Address, config)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", s.Address, errors.Join(err, closeAfterFailure(conn)))
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return ssh.NewClient(c, channels, requests), nil
}

// closeAfterFailure closes a connection that a failed handshake may have closed already.
func closeAfterFailure(conn net.Conn) error {
	if err := conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Result is how a command ended.
type Result struct {
	// Status is the command's own; -1 when it has none, because a signal ended it or the connection broke.
	Status         int
	Stdout, Stderr string
}

// Run runs a command in a session of its own, as remote.Command does: the whole script is the command, nothing goes to
// its standard input.
func (s *SSHD) Run(ctx context.Context, command string) (Result, error) {
	client, err := s.Dial(ctx, s.HostKey)
	if err != nil {
		return Result{}, err
	}
	defer client.Close()
	stop := context.AfterFunc(ctx, func() { _ = client.Close() }) // ends the session
	defer stop()
	session, err := client.NewSession()
	if err != nil {
		return Result{}, fmt.Errorf("opening a session: %w", err)
	}
	defer session.Close()
	var stdout, stderr bytes.Buffer
	session.Stdout, session.Stderr = &stdout, &stderr
	err = session.Run(command)
	result := Result{Stdout: stdout.String(), Stderr: stderr.String()}
	var exit *ssh.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit) && exit.Signal() == "":
		result.Status = exit.ExitStatus()
	default:
		result.Status = -1
		return result, fmt.Errorf("running the command: %w", errors.Join(err, context.Cause(ctx)))
	}
	return result, nil
}

// NewHostKey returns a key that no server has.
func NewHostKey(t testing.TB) ssh.PublicKey {
	t.Helper()
	signer, _ := newKey(t)
	return signer.PublicKey()
}

func newKey(t testing.TB) (ssh.Signer, *pem.Block) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	return signer, block
}
