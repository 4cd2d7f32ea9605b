using System.Text;
using System.Text.Json.Nodes;
using Mainstay.Commands;
using Mainstay.Configuration;
using Mainstay.Core.Config;

namespace Mainstay.System.Tests.Configuration;

public class SchemaTests
{
    private static readonly JsonObject Schema = JsonNode.Parse(ConfigSchema.Write())!.AsObject();

    public static TheoryData<string> Examples => [.. Directory.GetFiles(RepositoryPaths.Of("examples"), "*.yaml").Select(f => Path.GetFileName(f)).Order()];

    [Theory]
    [MemberData(nameof(Examples))]
    public void Example_IsValidAndCompilesWithoutWarnings(string name)
    {
        byte[] bytes = File.ReadAllBytes(RepositoryPaths.Of("examples", name));
        ConfigResult result = Configurations.Compile(bytes, name);
        Assert.Empty(result.Errors);
        Assert.Empty(result.Warnings);
        Assert.Empty(Validate(Encoding.UTF8.GetString(bytes)));
    }

    [Fact]
    public void EveryConfigurationThatCompiles_IsValidBySchema()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            string yaml = ConfigWriter.Write(new RandomSnapshots(seed).Next(), Configurations.Surroundings);
            Assert.True(Validate(yaml) is { Count: 0 }, $"seed {seed}: {string.Join('\n', Validate(yaml))}\n{yaml}");
        }
    }

    [Theory]
    [InlineData("nodes: a")]
    [InlineData("vips: {}")]
    [InlineData("process: { shards: -1 }")]
    [InlineData("process: { drain-timeout: 5 }")]
    [InlineData("process: { drain-timeout: 5 sec }")]
    [InlineData("pools: { a: {} }")]
    [InlineData("pools: { a: { servers: [] } }")]
    [InlineData("pools: { a: { servers: [\"10.0.0.1\"] } }")]
    [InlineData("pools: { \"a b\": { servers: [\"10.0.0.1:1\"] } }")]
    [InlineData("pools: { a: { servers: [\"10.0.0.1:1\"], balance: rrr } }")]
    [InlineData("pools: { a: { servers: [\"10.0.0.1:1\"], check: { tcp: true, http: / } } }")]
    [InlineData("pools: { a: { servers: [\"10.0.0.1:1\"], check: { interval: 1s } } }")]
    [InlineData("pools: { a: { servers: [\"10.0.0.1:1\"], check: { tcp: true, method: GET } } }")]
    [InlineData("pools: { a: { servers: [\"10.0.0.1:1\"], panic-threshold: 50 } }")]
    [InlineData("http: { a: { listen: \"0.0.0.0:1\", routes: [{ to: a, respond: 200 }] } }")]
    [InlineData("http: { a: { listen: \"0.0.0.0:1\", routes: [{ files: srv }] } }")]
    public void WhatTheCompilerRefusesByItsForm_TheSchemaRefusesToo(string yaml)
    {
        Assert.NotEmpty(Configurations.Compile(yaml).Errors);
        Assert.NotEmpty(Validate(yaml));
    }

    [Fact]
    public void Schema_EveryKey_IsDescribed()
    {
        var undescribed = new List<string>();
        Walk(Schema, "$");
        Assert.Empty(undescribed);

        void Walk(JsonNode? node, string place)
        {
            foreach ((string name, JsonNode? child) in node as JsonObject ?? [])
            {
                if (name == "properties")
                    undescribed.AddRange(child!.AsObject().Where(p => p.Value!["description"] is null).Select(p => $"{place}.{p.Key}"));
                Walk(child, $"{place}.{name}");
            }

            foreach (JsonNode? child in node as JsonArray ?? []) Walk(child, place);
        }
    }

    [Fact]
    public void Reference_IsWhatTheVocabularySays()
    {
        const string Begin = "<!-- reference: written by `mainstay schema --markdown` -->\n", End = "<!-- end of reference -->";
        string page = RepositoryPaths.Of("docs", "configuration.md");
        string text = File.ReadAllText(page);
        int begin = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, end = text.IndexOf(End, StringComparison.Ordinal);
        using var output = new StringWriter();
        Assert.Equal(0, SchemaCommand.Run(markdown: true, output));
        if (RepositoryPaths.Rewrite) File.WriteAllText(page, text = $"{text[..begin]}\n{output}{text[end..]}");
        Assert.Contains($"{Begin}\n{output}{End}", text);
    }

    private static IReadOnlyList<string> Validate(string yaml)
    {
        Assert.True(YamlReader.TryRead(yaml, "test.yaml", out ConfigNode? root, out _));
        return SchemaValidator.Validate(Schema, SchemaValidator.ToJson(root!));
    }
}
