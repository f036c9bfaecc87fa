package drawing

import (
	"dossier.example/plan/graph"
	"dossier.example/plan/iam"
)

// actions are what the role of an instance, or of a group's instances, allows: of its own policies, in their order.
func (d *draft) actions(of *graph.Resource) []string {
	g := d.graph
	if of.Token == "aws:autoscaling/group:Group" {
		if of = g.LaunchTemplate(of); of == nil {
			return nil
		}
	}
	profile := of.Input("iamInstanceProfile")
	for _, key := range []string{"arn", "name"} {
		if v := graph.At(profile, key); v != nil {
			profile = v
			break
		}
	}
	found := g.Resolve(profile, "aws:iam/instanceProfile:InstanceProfile")
	if found == nil {
		return nil
	}
	role := g.Resolve(found.Input("role"), "aws:iam/role:Role")
	var all []string
	for _, policy := range g.ByType("aws:iam/rolePolicy:RolePolicy") {
		if !g.Refers(policy.Input("role"), role) {
			continue
		}
		// A policy that cannot be read is for the rules of package policy to refuse.
		document, _ := iam.Parse(graph.Text(policy.Input("policy")))
		for _, s := range document.Statement {
			if s.Allows() {
				all = append(all, s.Action...)
			}
		}
	}
	return all
}
