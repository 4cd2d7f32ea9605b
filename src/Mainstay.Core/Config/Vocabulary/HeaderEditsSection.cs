using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;
using Mainstay.Core.Http;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>The name of a header that rules may change.</summary>
/// <param name="isRequest">Of requests on their way to a server, else of responses on their way to the client.</param>
internal sealed class HeaderNameType(bool isRequest) : ScalarType<string>
{
    public override string Label => "header name";
    public override string Expected => "a header name: letters, digits and !#$%&'*+-.^_`|~";

    public override ConfigNode Write(string value, WriteOptions options) => new ScalarNode(value, quoted: true);

    public override JsonObject Schema() => TextType.Token.Schema();

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out string value)
    {
        value = scalar.Text;
        if (!TextType.IsToken(value)) return NotExpected(scalar);
        return Refusal(value) is { } reason ? $"{Compilation.Show(value)} cannot be changed by rules: {reason}" : null;
    }

    private string? Refusal(string name)
    {
        switch (FieldNames.Parse(Encoding.ASCII.GetBytes(name)))
        {
            case FieldName.ContentLength or FieldName.TransferEncoding or FieldName.Trailer:
                return "it says where the message ends";
            case FieldName.Connection or FieldName.Upgrade or FieldName.Te or FieldName.KeepAlive or FieldName.Http2Settings:
                return "it is about one connection, and each connection's own";
            case FieldName.Proxy: return "it is for proxies, and never passed on";
            case FieldName.Expect: return "it is part of how the body is sent";
            case FieldName.MaxForwards when isRequest: return "it counts down on its way";
            case FieldName.Host when isRequest: return "write rewrite: { host: ... }";
            case FieldName.XForwardedFor or FieldName.Forwarded or FieldName.Via when isRequest: return "the service's key forwarded is about it";
            case FieldName.Via: return "the service's key forwarded.via is about it";
            default: return null;
        }
    }
}

/// <summary>What is changed in the headers of one direction.</summary>
internal sealed class HeaderEditsSection
{
    private readonly Key<HeaderEditsSnapshot, ImmutableArray<NamedTemplate>> _set;
    private readonly Key<HeaderEditsSnapshot, ImmutableArray<NamedTemplate>> _add;
    private readonly Key<HeaderEditsSnapshot, ImmutableArray<string>> _remove;
    private readonly Key<HeaderEditsSnapshot, ImmutableArray<HeaderRename>> _rename;

    /// <param name="inRoute">Captures of the route's conditions can be used.</param>
    public HeaderEditsSection(string title, bool isRequest, bool inRoute)
    {
        var name = new HeaderNameType(isRequest);
        var value = new TemplateType("text with variables", "text of one line, where variables such as {client.address} stand in braces", TextType.LineRule)
        { InResponse = !isRequest, IsShared = !inRoute };
        MapType<NamedTemplate, string> values() => new(name, value, (n, t) => new NamedTemplate(n, t), t => (t.Name, t.Template)) { IgnoreCase = true };
        _rename = new Key<HeaderEditsSnapshot, ImmutableArray<HeaderRename>>(
            "rename", new MapType<HeaderRename, string>(name, name, (from, to) => new HeaderRename(from, to), r => (r.From, r.To)) { IgnoreCase = true }, e => e.Rename)
        { Doc = "Old names and new ones.", Default = Key.EmptyMapping };
        _remove = new Key<HeaderEditsSnapshot, ImmutableArray<string>>("remove", new ListType<string>(name) { Single = true }, e => e.Remove)
        { Doc = "Names.", Default = Key.EmptyList };
        _set = new Key<HeaderEditsSnapshot, ImmutableArray<NamedTemplate>>("set", values(), e => e.Set)
        { Doc = "Names and values, in place of all headers of that name; an empty value sends none.", Default = Key.EmptyMapping };
        _add = new Key<HeaderEditsSnapshot, ImmutableArray<NamedTemplate>>("add", values(), e => e.Add)
        { Doc = "Names and values, beside headers of that name.", Default = Key.EmptyMapping };
        Section = new Section<HeaderEditsSnapshot>(
            title,
            [_set, _add, _remove, _rename],
            v => new HeaderEditsSnapshot { Rename = v.Get(_rename), Remove = v.Get(_remove), Set = v.Get(_set), Add = v.Get(_add) })
        {
            Doc = isRequest
                ? "Headers of the request that the server gets: renamed, then removed, then set, then added."
                : "Headers of the response that the client gets: renamed, then removed, then set, then added; what is set and added stands in responses of our own, too.",
        };
    }

    public Section<HeaderEditsSnapshot> Section { get; }
}
