package orbit

// @FrameworkResource(name="Station")
func newStation(context.Context) (resource.ResourceWithConfigure, error) { return &station{}, nil }

type station struct{}

func (r *station) Metadata(_ context.Context, _ resource.MetadataRequest, response *resource.MetadataResponse) {
	response.TypeName = "aws_orbit_station"
}

func (r *station) Schema(_ context.Context, _ resource.SchemaRequest, response *resource.SchemaResponse) {
	response.Schema = schema.Schema{
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{Required: true, PlanModifiers: []planmodifier.String{
				stringplanmodifier.RequiresReplace(),
			}},
			"crew": schema.Int64Attribute{Optional: true},
			"flag": schema.StringAttribute{Optional: true, PlanModifiers: []planmodifier.String{
				stringplanmodifier.RequiresReplaceIfConfigured(),
			}},
			"tags": tftags.TagsAttribute(),
		},
		Blocks: map[string]schema.Block{
			"dock": schema.ListNestedBlock{
				PlanModifiers: []planmodifier.List{listplanmodifier.RequiresReplace()},
				NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
					"size": schema.StringAttribute{Optional: true},
				}},
			},
		},
	}
}
