//go:build unix

package main

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dossier.example/app/internal/servers"
)

// composeService is what the test looks at of a service in compose.yaml.
type composeService struct {
	Image       string
	Command     []string
	Environment map[string]string
	Ports       []struct {
		HostIP string `json:"host_ip"`
		Target int
	}
}

// What compose.yaml says is run here without Docker: the same commands with the same settings, in the order that it
// gives them, only that the servers are those of the tests, at other addresses and with other credentials.
func TestCompose(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "-C", "../../../tools", "run", "./composeconfig", "../compose.yaml")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("compose.yaml: %v", err)
	}
	var project struct {
		Services map[string]composeService
		Configs  map[string]struct{ Content string }
	}
	if err := json.Unmarshal(text, &project); err != nil {
		t.Fatal(err)
	}
	for name, s := range project.Services {
		if _, tag, _ := strings.Cut(s.Image, ":"); s.Image != "" && s.Image != "dossier" && (tag == "" || tag == "latest") {
			t.Errorf("service %s: the image %s is not pinned", name, s.Image)
		}
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("service %s: port %d is open to other machines, and the secrets are in the file", name, port.Target)
			}
		}
	}
	app, migrate, prepare := project.Services["app"], project.Services["migrate"], project.Services["prepare"]
	if !slices.Equal(app.Command, []string{"serve"}) || len(migrate.Command) < 2 || len(prepare.Environment) == 0 {
		t.Fatalf("services app %v, migrate %v, prepare %v", app, migrate, prepare)
	}
	objects := project.Services["s3"].Environment
	if app.Environment["AWS_ACCESS_KEY_ID"] != objects["ROOT_ACCESS_KEY"] || app.Environment["AWS_SECRET_ACCESS_KEY"] != objects["ROOT_SECRET_KEY"] {
		t.Error("the app's credentials are not those of the S3 server")
	}
	if migrate.Environment["DOSSIER_DB_ADMIN_PASSWORD"] != project.Services["db"].Environment["MYSQL_ROOT_PASSWORD"] {
		t.Error("the administrator's password is not that of the database")
	}

	// What compose.yaml sets clamd to, but for its places.
	var settings []string
	for line := range strings.Lines(project.Configs["clamd"].Content) {
		if name, _, _ := strings.Cut(line, " "); strings.HasPrefix(name, "Alert") {
			settings = append(settings, strings.TrimSpace(line))
		}
	}
	if len(settings) != 2 {
		t.Errorf("compose.yaml sets clamd to alert by %q", settings)
	}
	servers.EndToEnd(t)
	mysql, s3, dynamodb := servers.MariaDB(t), servers.S3(t), servers.DynamoDB(t)
	clamd := servers.StartClamd(t, settings...)
	bin, port := build(t), freePort(t)
	origin := "http://localhost:" + port
	here := map[string]string{
		"AWS_ENDPOINT_URL_S3": s3.Endpoint, "AWS_ENDPOINT_URL_DYNAMODB": dynamodb.Endpoint,
		"AWS_ACCESS_KEY_ID": s3.AccessKey, "AWS_SECRET_ACCESS_KEY": s3.SecretKey,
		"DOSSIER_DB_HOST": mysql.Host, "DOSSIER_DB_ADMIN_USER": mysql.AdminUser, "DOSSIER_DB_ADMIN_PASSWORD": mysql.AdminPassword,
		"DOSSIER_PUBLIC_URL": origin, "DOSSIER_SCAN_CLAMD": clamd.Socket,
	}
	environ := func(s composeService, more ...string) []string {
		env := maps.Clone(s.Environment)
		for name, value := range here {
			if _, ok := env[name]; ok {
				env[name] = value
			}
		}
		list := []string{"AWS_EC2_METADATA_DISABLED=true", "DOSSIER_DB_PORT=" + strconv.Itoa(mysql.Port)}
		for name, value := range env {
			list = append(list, name+"="+value)
		}
		return append(list, more...)
	}
	run := func(s composeService, program string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), filepath.Join(bin, program), args...)
		cmd.Env = append(os.Environ(), environ(s)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", program, args, err, out)
		}
	}
	run(prepare, "cloud", "prepare")
	run(prepare, "cloud", "prepare") // as on every later start
	run(migrate, "dossier", migrate.Command...)
	p := start(t, environ(app, "DOSSIER_LISTEN=localhost:"+port), filepath.Join(bin, "dossier"), app.Command...)
	p.await(t, origin)
	submission(t, origin, app.Environment["DOSSIER_STAFF_SECRET"])
	p.stop(t)
}
