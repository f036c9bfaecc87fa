package graph

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

// uploads uploads what its configuration names.
func uploads(ctx *pulumi.Context) error {
	path := config.New(ctx, "test").Require("path")
	var source pulumi.Input = pulumi.NewFileArchive(path)
	switch kind, rest, _ := strings.Cut(path, ":"); kind {
	case "remote":
		source = pulumi.NewRemoteArchive(rest)
	case "parts":
		source = pulumi.NewAssetArchive(map[string]any{
			"a": pulumi.NewFileAsset(rest), "b": pulumi.NewStringAsset("text"), "c": pulumi.NewFileArchive("folder"),
		})
	}
	var object pulumi.CustomResourceState
	return ctx.RegisterResource("aws:lambda/function:Function", "function", pulumi.Map{
		"code": source, "role": pulumi.String("arn:aws:iam::123456789012:role/r"),
	}, &object)
}

// TestAssets: what a program uploads is read in the folder that the program runs in, and only where it may be.
func TestAssets(t *testing.T) {
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	asked := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer server.Close()
	run := func(root, path string) (string, error) {
		g, err := Run(t.Context(), Program{Path: executable, Dir: filepath.Join(root, "program"), Tree: root,
			Env: []string{"DOSSIER_TEST_PROGRAM=uploads"}}, Before{}, "test", "dev",
			map[string]string{"test:path": path}, nil)
		if err != nil {
			return "", err
		}
		made, is := g.ByType("aws:lambda/function:Function")[0].Inputs["code"].(Asset)
		if !is || len(made.SHA256) != 64 {
			t.Fatalf("%s: %v", path, made)
		}
		return made.SHA256, nil
	}
	repository := func(text, link string) string {
		dir := t.TempDir()
		for name, text := range map[string]string{
			"program/folder/index.js": text, "program/folder/sub/same.js": "same", "other/file": text, "secret": "s",
		} {
			file := filepath.Join(dir, "root", name)
			if name == "secret" {
				file = filepath.Join(dir, name)
			}
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if link != "" {
			if err := os.Symlink(link, filepath.Join(dir, "root", "program", "link")); err != nil {
				t.Fatal(err)
			}
		}
		return filepath.Join(dir, "root")
	}
	one, same, other := repository("one", "../../secret"), repository("one", "folder"), repository("other", "")
	for _, path := range []string{"folder", "folder/index.js", "../other/file", "parts:../other/file"} {
		a, err := run(one, path)
		b, errSame := run(same, path)
		c, errOther := run(other, path)
		if err != nil || errSame != nil || errOther != nil || a != b || a == c {
			t.Errorf("%s: %s %v, %s %v, %s %v", path, a, err, b, errSame, c, errOther)
		}
	}
	if a, err := run(same, "link"); err != nil {
		t.Errorf("a link to a folder of the repository: %s %v", a, err)
	}
	if a, err := run(one, "remote:"+server.URL+"/code.zip"); err != nil || asked {
		t.Errorf("another host: %s %v, asked %t", a, err, asked)
	}
	pipe := makePipe(t, filepath.Join(one, "pipe"))
	for path, want := range map[string]string{
		"none":                       "no such file",
		"../../secret":               "is outside the repository, and is not read",
		"/etc/passwd":                "is outside the repository, and is not read",
		"remote:file:///etc/passwd":  "is outside the repository, and is not read",
		"parts:/etc/passwd":          "is outside the repository, and is not read",
		"link":                       "path escapes from parent",
		"../pipe":                    pipe,
		filepath.Dir(one):            "is outside the repository, and is not read",
		filepath.Join(one, "../x/y"): "is outside the repository, and is not read",
	} {
		if a, err := run(one, path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s %v; want %q", path, a, err, want)
		}
	}
}
