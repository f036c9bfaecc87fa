package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"dossier.example/plan/internal/awsmodel"
)

// Cloud is what exists: one AWS account in one region, and what the other providers keep. It is empty at first.
type Cloud struct {
	mu        sync.Mutex
	model     awsmodel.Model
	resources []*Resource
	// births counts the resources that were made for one URN, so that a replacement gets other ids.
	births  map[string]int
	buckets buckets
	// templates are the versions of each launch template, by its id.
	templates map[string][]TemplateVersion
	// issued are the certificates that were validated.
	issued map[string]bool

	account account

	clock    int
	day      int
	events   []*Event
	faults   []*Fault
	delays   map[string]time.Duration
	commands []Command
	runner   Runner
	secrets  map[string]bool

	// loose tells that nothing is refused, foreign are the types that only a loose cloud knows.
	loose   bool
	foreign map[string]kind
}

// Loosen has the cloud take what it has no rules for: nothing is refused any longer, and further types are known by the
// inputs, separated by spaces, whose change needs another resource. It is for programs that are not this repository's,
// of which the engine alone is wanted: what a run makes, changes, replaces and deletes.
func (c *Cloud) Loosen(region string, replaces map[string]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loose, c.foreign, c.model.Region = true, map[string]kind{}, region
	for token, inputs := range replaces {
		c.foreign[token] = kind{replace: inputs, imaginary: true}
	}
}

// kind is what is known of a type.
func (c *Cloud) kind(token string) (kind, bool) {
	if k, known := c.foreign[token]; known { // it is not changed once a run begins
		return k, true
	}
	k, known := kinds[token]
	return k, known
}

// NewCloud returns an empty Cloud.
func NewCloud() *Cloud {
	return &Cloud{
		model: awsmodel.Default(), births: map[string]int{}, buckets: newBuckets(),
		templates: map[string][]TemplateVersion{},
		issued:    map[string]bool{}, delays: map[string]time.Duration{}, secrets: map[string]bool{},
		account: account{serviceRoles: map[string]bool{}, lacking: map[string]bool{}, leftovers: map[string]bool{},
			shared: map[string]bool{}},
		runner: func(Command) (string, error) { return "", nil },
	}
}

// Resource is something that exists.
type Resource struct {
	Token, Name, URN, ID string
	// Inputs and Outputs are the properties as they are; what is secret is marked.
	Inputs, Outputs resource.PropertyMap

	incarnation int
	// made is when, by the cloud's clock.
	made int
	// defaults are the names of the inputs that the provider filled in, as Pulumi's state keeps them.
	defaults resource.PropertyValue
}

// defaultsKey is the input in which providers note what they filled in themselves.
const defaultsKey = "__defaults"

// Operation is what is done to a resource.
type Operation string

// The operations.
const (
	Create Operation = "create"
	Update Operation = "update"
	Delete Operation = "delete"
)

// Event is one operation that was tried.
type Event struct {
	Operation       Operation
	Token, Name, ID string
	// Start and End are times of a clock that counts starts and ends.
	Start, End int
	// Takes is how long it takes in AWS, where that is much and known.
	Takes time.Duration
	// Err is why it failed.
	Err error
}

// Events returns what was tried, in the order of the starts.
func (c *Cloud) Events() []Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]Event, len(c.events))
	for i, e := range c.events {
		list[i] = *e
	}
	return list
}

// Forget begins the log of events and commands anew.
func (c *Cloud) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events, c.commands = nil, nil
}

// Resources returns what exists, except what is nothing in AWS, such as commands and random texts, in the order of
// creation. An object of S3 is listed while its key has a current version, once, however many resources have written
// it.
func (c *Cloud) Resources() []Resource {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []Resource
	objects := map[string]bool{}
	for _, r := range c.resources {
		if r.Token == bucketObjectType {
			name := r.text("bucket") + "/" + r.text("key")
			if _, found := c.object(r.text("bucket"), r.text("key")); !found || objects[name] {
				continue
			}
			objects[name] = true
		}
		if !kinds[r.Token].imaginary {
			list = append(list, *r)
		}
	}
	return list
}

// Get returns the newest resource of that type and name.
func (c *Cloud) Get(token, name string) (Resource, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range slices.Backward(c.resources) {
		if r.Token == token && r.Name == name {
			return *r, true
		}
	}
	return Resource{}, false
}

// Change changes an input of a resource, and the output of the same name, behind Pulumi's back.
func (c *Cloud) Change(token, name, input string, value any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range slices.Backward(c.resources) {
		if r.Token == token && r.Name == name {
			in, out := r.Inputs.Copy(), r.Outputs.Copy()
			in[resource.PropertyKey(input)] = resource.NewPropertyValue(value)
			out[resource.PropertyKey(input)] = resource.NewPropertyValue(value)
			r.Inputs, r.Outputs = in, out
			return nil
		}
	}
	return fmt.Errorf("there is no %s %s", token, name)
}

// Secrets returns the secret texts that were generated, in order.
func (c *Cloud) Secrets() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.secrets))
}

// begin notes that an operation starts, waits as long as a test wants it to, and returns the first fault that hits it
// before its effect.
func (c *Cloud) begin(op Operation, urn resource.URN, id string) (*Event, *Fault) {
	token, name := string(urn.Type()), urn.Name()
	c.mu.Lock()
	c.clock++
	e := &Event{Operation: op, Token: token, Name: name, ID: id, Start: c.clock}
	c.events = append(c.events, e)
	fault := c.hit(op, token, name)
	delay := c.delays[string(op)+" "+token+" "+name]
	c.mu.Unlock()
	time.Sleep(delay)
	return e, fault
}

func (c *Cloud) end(e *Event, id string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock++
	e.End, e.ID, e.Err = c.clock, id, err
}

// partial is the error of an operation that had its effect all the same: the provider tells what there is now.
type partial struct {
	id      string
	inputs  resource.PropertyMap
	outputs resource.PropertyMap
	reason  string
}

// Error implements error.
func (p *partial) Error() string { return p.reason }

func (c *Cloud) create(urn resource.URN, inputs resource.PropertyMap) (id string, outputs resource.PropertyMap,
	err error) {
	e, fault := c.begin(Create, urn, "")
	defer func() { c.end(e, id, err) }()
	if fault != nil && !fault.After {
		return "", nil, fault
	}
	r := &Resource{Token: string(urn.Type()), Name: urn.Name(), URN: string(urn)}
	r.set(inputs)
	if inputs.ContainsUnknowns() {
		return "", nil, fmt.Errorf("%s %s: an input is not known at its creation", r.Token, r.Name)
	}
	if isCommand(r.Token) {
		return c.createCommand(r, fault)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.check(r); err != nil {
		return "", nil, fmt.Errorf("creating %s %s: %w", r.Token, r.Name, err)
	}
	c.add(r)
	if fault != nil {
		return r.ID, nil, &partial{id: r.ID, inputs: inputs, outputs: r.Outputs, reason: fault.Error()}
	}
	return r.ID, r.Outputs, nil
}

// set sets the inputs, without the note of what the provider filled in.
func (r *Resource) set(inputs resource.PropertyMap) {
	r.Inputs = inputs.Copy()
	r.defaults = inputs[defaultsKey]
	delete(r.Inputs, defaultsKey)
}

// state are the inputs as Pulumi's state has them.
func (r *Resource) state() resource.PropertyMap {
	inputs := r.Inputs.Copy()
	if r.defaults.IsArray() {
		inputs[defaultsKey] = r.defaults
	}
	return inputs
}

// add brings a resource into being.
func (c *Cloud) add(r *Resource) {
	c.births[r.URN]++
	r.incarnation = c.births[r.URN]
	r.ID, r.Outputs = c.model.Compute(qualifiedType(r.URN), awsmodel.Incarnation(r.Name, r.incarnation), r.Inputs)
	c.keepSecrets(r)
	r.made = c.clock
	switch r.Token {
	case bucketObjectType:
		// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
		c.upload(r)
	case templateType:
		// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html: version 1 is made with
		// it.
		c.versions(r)
	}
	c.resources = append(c.resources, r)
	switch r.Token {
	case flowLogType:
		// https://github.com/hashicorp/terraform-provider-aws/issues/29323
		c.access(r)
	case alarmType:
		// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
		c.silent(r)
	}
}

// qualifiedType is the type in a URN, after those of the components that the resource belongs to.
func qualifiedType(urn string) string { return string(resource.URN(urn).QualifiedType()) }

// adopt has the cloud hold a resource as a state tells of it.
func (c *Cloud) adopt(urn resource.URN, id string, inputs, outputs resource.PropertyMap) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.births[string(urn)]++
	delete(inputs, defaultsKey)
	delete(outputs, defaultsKey)
	c.resources = append(c.resources, &Resource{
		Token: string(urn.Type()), Name: urn.Name(), URN: string(urn), ID: id, Inputs: inputs, Outputs: outputs,
		incarnation: 1, made: c.clock,
	})
}

// keepSecrets notes what generates secrets.
func (c *Cloud) keepSecrets(r *Resource) {
	if !strings.HasPrefix(r.Token, "random:") && !strings.HasPrefix(r.Token, "tls:") && r.Token != poolClientType {
		return
	}
	for _, v := range r.Outputs {
		if v.IsSecret() && v.SecretValue().Element.IsString() {
			c.secrets[v.SecretValue().Element.StringValue()] = true
		}
	}
}

// check answers as AWS does to what is asked for, given what there is.
func (c *Cloud) check(r *Resource) error {
	if c.loose {
		return nil
	}
	if err := c.checkReferences(r); err != nil {
		return err
	}
	if err := c.checkUnique(r); err != nil {
		return err
	}
	if place, has := places[r.Token]; has {
		return place(c, r)
	}
	return nil
}

func (c *Cloud) checkUnique(r *Resource) error {
	k := kinds[r.Token]
	if k.imaginary || r.Token == bucketObjectType { // an object is overwritten: see write
		return nil
	}
	id, _ := c.model.Compute(qualifiedType(r.URN), awsmodel.Incarnation(r.Name, c.births[r.URN]+1), r.Inputs)
	for _, other := range c.resources {
		if other == r || other.Token != r.Token {
			continue
		}
		// A record that may overwrite takes the place of the one that is there
		// (https://github.com/hashicorp/terraform-provider-aws/blob/v5.100.0/internal/service/route53/record.go,
		// allow_overwrite).
		if r.Token == recordType && (look{in: r.Inputs}).flag("allowOverwrite") {
			continue
		}
		// One that is replaced, or made for another URN, with the same name.
		if other.ID == id && r.ID == "" {
			return fmt.Errorf("AlreadyExists: there is %s %s", other.Token, other.ID)
		}
		same := k.unique != ""
		for key := range strings.FieldsSeq(k.unique) {
			v := resource.PropertyKey(key)
			same = same && awsmodel.Plain(other.Inputs[v]).DeepEquals(awsmodel.Plain(r.Inputs[v]))
		}
		if same {
			return fmt.Errorf("AlreadyExists: %s has the same %s", other.ID, k.unique)
		}
	}
	return nil
}

// find returns the resource with that URN and id. What is nothing in AWS may share its id with the one that it
// replaces: oldest tells which is meant.
func (c *Cloud) find(urn resource.URN, id string, oldest bool) *Resource {
	var found *Resource
	for _, r := range c.resources {
		if r.URN == string(urn) && r.ID == id {
			found = r
			if oldest {
				return r
			}
		}
	}
	return found
}

func (c *Cloud) read(urn resource.URN, id string) (inputs, outputs resource.PropertyMap, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.find(urn, id, false)
	if r == nil || r.Token == bucketObjectType && !c.readVersion(r) {
		return nil, nil, false
	}
	return r.state(), r.Outputs, true
}

// update changes what differs between what was asked for and what is asked for now. What somebody else has changed in
// the meantime stays, as with the providers, which send what changed.
func (c *Cloud) update(urn resource.URN, id string, olds, inputs resource.PropertyMap) (outputs resource.PropertyMap,
	err error) {
	e, fault := c.begin(Update, urn, id)
	defer func() { c.end(e, id, err) }()
	if fault != nil && !fault.After {
		return nil, fault
	}
	if inputs.ContainsUnknowns() {
		return nil, fmt.Errorf("%s %s: an input is not known at its change", urn.Type(), urn.Name())
	}
	if isCommand(string(urn.Type())) {
		return c.updateCommand(urn, id, inputs, fault)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.find(urn, id, false)
	if r == nil {
		return nil, fmt.Errorf("updating %s %s: %s does not exist", urn.Type(), urn.Name(), id)
	}
	before := *r
	r.set(inputs)
	for key, v := range before.Inputs {
		if bareValue(olds[key]).DeepEquals(bareValue(inputs[key])) && !inputs[key].IsNull() {
			r.Inputs[key] = v
		}
	}
	if err := c.fixed(&before, r); err != nil {
		*r = before
		return nil, fmt.Errorf("updating %s %s: %w", r.Token, r.Name, err)
	}
	if err := c.check(r); err != nil {
		*r = before
		return nil, fmt.Errorf("updating %s %s: %w", r.Token, r.Name, err)
	}
	if err := c.renew(r, before); err != nil {
		*r = before
		return nil, err
	}
	if fault != nil {
		return nil, &partial{id: r.ID, inputs: inputs, outputs: r.Outputs, reason: fault.Error()}
	}
	return r.Outputs, nil
}

// renew computes what a change makes of the outputs.
func (c *Cloud) renew(r *Resource, before Resource) error {
	id, outputs := c.model.Compute(qualifiedType(r.URN), awsmodel.Incarnation(r.Name, r.incarnation), r.Inputs)
	if id != r.ID {
		return fmt.Errorf("%s %s: the change made the id %q of %q: add what changed to what needs another resource, "+
			"in kinds of plan/engine/types.go",
			r.Token, r.Name, id, r.ID)
	}
	r.Outputs = outputs
	renewed := awsmodel.Renewed(r.Token, changedKeys(before.Inputs, r.Inputs))
	for _, counter := range []resource.PropertyKey{"latestVersion", "version"} {
		was, counts := before.Outputs[counter]
		if !counts || !was.IsNumber() {
			continue
		}
		n := was.NumberValue()
		if slices.Contains(renewed, string(counter)) {
			n++
		}
		r.Outputs[counter] = resource.NewProperty(n)
	}
	switch {
	case r.Token == templateType:
		c.versions(r)
	case r.Token == bucketObjectType && slices.Contains(renewed, "versionId"):
		c.upload(r)
	case r.Token == bucketObjectType:
		c.readVersion(r)
	}
	return nil
}

func (c *Cloud) delete(urn resource.URN, id string, timeout time.Duration) (err error) {
	e, fault := c.begin(Delete, urn, id)
	defer func() { c.end(e, id, err) }()
	if fault != nil && !fault.After {
		return fault
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.find(urn, id, true)
	if r == nil {
		return nil // what is gone already is as it should be; the providers say so too
	}
	if err := c.leave(r); err != nil {
		return fmt.Errorf("deleting %s %s: %w", r.Token, r.Name, err)
	}
	if e.Takes, err = c.takes(r, timeout); err != nil {
		return fmt.Errorf("deleting %s %s: %w", r.Token, r.Name, err)
	}
	c.resources = slices.DeleteFunc(c.resources, func(other *Resource) bool { return other == r })
	c.after(r)
	if fault != nil {
		return fault
	}
	return nil
}

// leave asks whether a resource may go, and does what else its going does.
func (c *Cloud) leave(r *Resource) error {
	if kinds[r.Token].imaginary || c.loose {
		return nil
	}
	if err := c.checkUnused(r); err != nil {
		return err
	}
	if err := c.leaving(r); err != nil {
		return err
	}
	switch r.Token {
	case bucketType:
		// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html
		delete(c.buckets.keys, r.ID)
		delete(c.buckets.versioned, r.ID)
	case bucketObjectType:
		// In a bucket with versions a deleted object stays as an old version, behind a marker
		// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html).
		c.unload(r)
	case templateType:
		// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteLaunchTemplate.html: with all its versions.
		delete(c.templates, r.ID)
	}
	return nil
}
