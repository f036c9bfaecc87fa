package engine

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// TemplateVersion is one version of a launch template.
type TemplateVersion struct {
	Number int
	// UserData is as the version has it: in base64.
	UserData string
	// Day is the one on which it was made: see Pass.
	Day int
	// Default: this is what $Default means.
	Default bool
}

// TemplateVersions returns the versions of a launch template that were not deleted, in the order of their numbers.
func (c *Cloud) TemplateVersions(id string) []TemplateVersion {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.templates[id])
}

// DeleteTemplateVersions deletes versions of a launch template. The default one may not be deleted
// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteLaunchTemplateVersions.html).
func (c *Cloud) DeleteTemplateVersions(id string, numbers ...int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, number := range numbers {
		i := slices.IndexFunc(c.templates[id], func(v TemplateVersion) bool { return v.Number == number })
		switch {
		case i < 0:
			return fmt.Errorf("launchTemplateVersionDoesNotExist: %s has no version %d", id, number)
		case c.templates[id][i].Default:
			return fmt.Errorf("unexpectedError: version %d of %s is the default version", number, id)
		}
		c.templates[id] = slices.Delete(c.templates[id], i, i+1)
	}
	return nil
}

// versions brings the versions of a launch template in line with its outputs. The first is the default one until
// another is named, or each new one is (resourceLaunchTemplateUpdate in
// https://github.com/hashicorp/terraform-provider-aws/blob/v5.100.0/internal/service/ec2/ec2_launch_template.go).
func (c *Cloud) versions(r *Resource) {
	latest := int(r.Outputs["latestVersion"].NumberValue())
	list := c.templates[r.ID]
	if len(list) == 0 || list[len(list)-1].Number < latest {
		list = append(list, TemplateVersion{Number: latest, UserData: r.text("userData"), Day: c.day})
	}
	in := look{in: r.Inputs}
	byDefault := 1
	if n, given := in.number("defaultVersion"); given {
		byDefault = int(n)
	}
	if in.flag("updateDefaultVersion") {
		byDefault = latest
	}
	r.Outputs["defaultVersion"] = resource.NewProperty(float64(byDefault))
	for i := range list {
		list[i].Default = list[i].Number == byDefault
	}
	c.templates[r.ID] = list
}
