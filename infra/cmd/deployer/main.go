// Deployer writes the IAM policies for deploying an environment, and the permissions boundary of its roles; see
// package deployer. It calls nothing.
//
//	deployer --stack dev --account 123456789012 --region us-east-1
//	deployer --stack dev --account 123456789012 --region us-east-1 --dir bin/deploy-policy/dev
//
// Without --dir it prints the policies as one JSON object, by name. With it, each is a file, and what it prints is the
// commands that make the policies and attach them to the role, which has to be there. The exit status is 0, 1 when
// something could not be written, and 2 for a wrong command line.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"dossier.example/infra/deployer"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("deployer", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var s deployer.Stack
	var dir string
	flags.StringVar(&s.Name, "stack", "", "the Pulumi stack, such as dev")
	flags.StringVar(&s.Account, "account", "", "the 12 digits of the AWS account")
	flags.StringVar(&s.Region, "region", "", "the region of the stack")
	flags.StringVar(&s.Domain, "domain", "", "site.domain of the stack's settings")
	flags.StringVar(&s.Zone, "zone", "", "site.zoneId of the stack's settings")
	flags.StringVar(&s.WebACL, "web-acl", "", "site.webAcl of the stack's settings")
	flags.StringVar(&dir, "dir", "", "write a file for each policy here, and print the commands that make them")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	faults := s.Check()
	if flags.NArg() > 0 {
		faults = append(faults, fmt.Sprintf("unexpected argument %q", flags.Arg(0)))
	}
	if len(faults) > 0 {
		for _, f := range faults {
			_, _ = fmt.Fprintln(stderr, "deployer:", f)
		}
		return 2
	}
	policies, err := deployer.Policies(s)
	if err == nil {
		policies = append(policies, deployer.BoundaryPolicy(s))
		if dir == "" {
			err = print(stdout, policies)
		} else {
			err = write(stdout, s, policies, dir)
		}
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "deployer:", err)
		return 1
	}
	return 0
}

// print writes the policies as one object.
func print(w io.Writer, policies []deployer.Policy) error {
	all := map[string]json.RawMessage{}
	for _, p := range policies {
		all[p.Name] = json.RawMessage(p.Document)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(all)
}

// write makes the files, and tells what to do with them.
func write(w io.Writer, s deployer.Stack, policies []deployer.Policy, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder of the policies: %w", err)
	}
	for _, p := range policies {
		file := filepath.Join(dir, p.Name+".json")
		if err := os.WriteFile(file, []byte(p.Document), 0o644); err != nil {
			return fmt.Errorf("writing the policy for %s: %w", p.Says, err)
		}
		_, _ = fmt.Fprintf(w, "aws iam create-policy --policy-name %s --policy-document file://%s\n", p.Name, file)
	}
	for _, p := range policies {
		if p.Name != s.BoundaryName() {
			_, _ = fmt.Fprintf(w, "aws iam attach-role-policy --role-name %s --policy-arn arn:aws:iam::%s:policy/%s\n",
				s.Role(), s.Account, p.Name)
		}
	}
	_, err := fmt.Fprintf(w, "pulumi config set --stack %s --path dossier:settings.access.boundary %s\n", s.Name,
		s.Boundary())
	return err
}
