// Package userdata renders what the stack's hosts run at their first start: the user-data of the app's instances, of
// the jump server and of the NAT instance. The hosts are Amazon Linux 2023, which has the AWS CLI, the Systems Manager
// agent, curl and systemd.
//
// Everything is a pure function over plain values, so that it is tested without a cloud: rendered, checked and run. The
// components of the Pulumi program import it; it imports none of them. A user-data holds no secret: whoever may
// describe an instance reads it.
package userdata

import (
	"embed"
	"fmt"
	"strings"
	"text/template"
)

// MaxUserData is the most bytes of user-data that EC2 takes, counted before base64
// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html: 16 KB, in raw form).
const MaxUserData = 16384

//go:embed templates
var templates embed.FS

// endOfFile ends every file that a script carries within itself.
const endOfFile = "END_OF_FILE"

// render executes one of the templates.
func render(name string, data any) (string, error) {
	t, err := template.New(name).Option("missingkey=error").Funcs(template.FuncMap{"quote": quote}).ParseFS(templates,
		"templates/*")
	if err != nil {
		return "", fmt.Errorf("reading the templates of user-data: %w", err)
	}
	var b strings.Builder
	if err := t.ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("rendering %s: %w", name, err)
	}
	return b.String(), nil
}

// userData renders a whole script and refuses one that EC2 would.
func userData(name string, data any) (string, error) {
	script, err := render(name, data)
	if err != nil {
		return "", err
	}
	script = withoutComments(script)
	if len(script) > MaxUserData {
		return "", fmt.Errorf("the user-data %s has %d bytes; EC2 accepts at most %d", name, len(script), MaxUserData)
	}
	return script, nil
}

// withoutComments drops the lines that are comments, which the templates' readers need and hosts have no room for.
// Shells, systemd, nft, sysctl and sshd agree on what they are. Lines such as #!/bin/sh stay.
func withoutComments(script string) string {
	var b strings.Builder
	for line := range strings.Lines(script) {
		text := strings.TrimLeft(line, " \t")
		if !strings.HasPrefix(text, "#") || strings.HasPrefix(text, "#!") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// quote returns s as one word of a shell, whatever is in it.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
