package orbit

const height = "height"

// @SDKResource("aws_orbit_satellite", name="Satellite")
func resourceSatellite() *schema.Resource {
	return &schema.Resource{
		CustomizeDiff: customdiff.Sequence(
			customdiff.ForceNewIfChange("fuel.0.amount", func(_ context.Context, old, new, _ any) bool {
				return new.(int) < old.(int)
			}),
			lower,
		),
		Schema: map[string]*schema.Schema{
			names.AttrColor:  {Type: schema.TypeString, Optional: true, ForceNew: true},
			height:           {Type: schema.TypeInt, Optional: true},
			"satellite_name": {Type: schema.TypeString, Required: true, ForceNew: true},
			"fuel": {Type: schema.TypeList, Optional: true, MaxItems: 1, Elem: &schema.Resource{
				Schema: map[string]*schema.Schema{
					"amount": {Type: schema.TypeInt, Required: true},
					"kind":   {Type: schema.TypeString, Required: true, ForceNew: true},
				},
			}},
			"battery": batterySchema(),
			"orbit":   elsewhere.Schema(),
			"tags":    tftags.TagsSchemaForceNew(),
			"arn":     {Type: schema.TypeString, Computed: true},
		},
	}
}

func batterySchema() *schema.Schema {
	return &schema.Schema{Type: schema.TypeSet, Optional: true, ForceNew: true, Elem: &schema.Resource{
		Schema: map[string]*schema.Schema{"capacity": {Type: schema.TypeInt, Required: true}},
	}}
}

func lower(_ context.Context, diff *schema.ResourceDiff, _ any) error {
	return diff.ForceNew("height")
}
