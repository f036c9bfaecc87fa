package engine

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"dossier.example/plan/internal/awsmodel"
)

// Command is a command that was to be run. None is: what it would do is for its own tests.
type Command struct {
	Token, Name string
	// Script is what a shell would have run, and Stdin what it would have read.
	Script, Stdin string
	Environment   map[string]string
	// Host is that of a remote command.
	Host string

	// clock is when it ended.
	clock int
}

// Runner stands in for the shell: it returns what the command prints, or why it failed.
type Runner func(Command) (stdout string, err error)

// Run sets what happens when a command is run. At first every command succeeds and prints nothing.
func (c *Cloud) Run(runner Runner) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runner = runner
}

// Commands returns the commands that were run, in order.
func (c *Cloud) Commands() []Command {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Command(nil), c.commands...)
}

func isCommand(token string) bool { return strings.HasPrefix(token, "command:") }

// createCommand runs a command. When it fails there is no resource, whatever it has done until then: Pulumi will create
// it again.
func (c *Cloud) createCommand(r *Resource, fault *Fault) (string, resource.PropertyMap, error) {
	stdout, err := c.run(r, r.text("create"), fault)
	if err != nil {
		return "", nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(r)
	r.Outputs["stdout"] = resource.NewProperty(stdout)
	return r.ID, r.Outputs, nil
}

// updateCommand runs a command again: what stands in "update", else in "create".
func (c *Cloud) updateCommand(urn resource.URN, id string, inputs resource.PropertyMap, fault *Fault) (resource.PropertyMap, error) {
	c.mu.Lock()
	r := c.find(urn, id, false)
	c.mu.Unlock()
	if r == nil {
		return nil, fmt.Errorf("updating %s %s: %s does not exist", urn.Type(), urn.Name(), id)
	}
	next := &Resource{Token: r.Token, Name: r.Name, URN: r.URN}
	next.set(inputs)
	script := next.text("update")
	if script == "" {
		script = next.text("create")
	}
	stdout, err := c.run(next, script, fault)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r.set(inputs)
	_, r.Outputs = c.model.Compute(qualifiedType(r.URN), awsmodel.Incarnation(r.Name, r.incarnation), r.Inputs)
	r.Outputs["stdout"] = resource.NewProperty(stdout)
	return r.Outputs, nil
}

// run hands a command to the runner, without the lock: the runner may look at the cloud and change it.
func (c *Cloud) run(r *Resource, script string, fault *Fault) (string, error) {
	c.mu.Lock()
	err := c.checkReferences(r)
	runner := c.runner
	c.mu.Unlock()
	if err != nil {
		return "", fmt.Errorf("running %s %s: %w", r.Token, r.Name, err)
	}
	in := look{in: r.Inputs}
	command := Command{Token: r.Token, Name: r.Name, Script: script, Stdin: r.text("stdin"), Environment: map[string]string{}}
	if environment, given := in.object("environment"); given {
		for key := range environment.in {
			command.Environment[string(key)] = environment.textOr(string(key))
		}
	}
	if connection, given := in.object("connection"); given {
		command.Host = connection.textOr("host")
	}
	stdout, err := runner(command)
	if err == nil && fault != nil {
		err = fault
	}
	if err != nil {
		return "", fmt.Errorf("running %s %s: %w", r.Token, r.Name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock++
	command.clock = c.clock
	c.commands = append(c.commands, command)
	return stdout, nil
}
