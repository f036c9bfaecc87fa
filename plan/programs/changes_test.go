package programs

func network() program {
	return program{
		stack: "shared", region: "eu-west-1", project: "landing", main: "cmd/infra",
		config: map[string]string{"landing:zones": "2", "landing:natPerZone": "false",
			"landing:offices": `["198.51.100.0/24"]`},
		changes: []change{
			{name: "a NAT gateway for each zone", edits: []edit{{"stacks/Pulumi.shared.yaml", "natPerZone: false",
				"natPerZone: true"}},
				does: []string{"create aws:ec2/eip:Eip landing-nat-2", "create aws:ec2/natGateway:NatGateway landing-2",
					"update aws:ec2/route:Route landing-private-2"}},
		},
	}
}
