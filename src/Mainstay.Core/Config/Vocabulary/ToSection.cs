using System.Collections.Immutable;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>Which pool a route's requests go to: one, or several by weight.</summary>
internal static class ToSection
{
    private const string KeyExpected = "text where variables such as {cookie.user} stand in braces";

    private static readonly Key<RouteAction, string?> Pool = new(
        "pool", new OptionalType<string>(PoolReferenceType.Instance), a => (a as RouteAction.ToPool)?.Pool)
    { Doc = "Name of a pool." };

    private static readonly Key<RouteAction, ImmutableArray<PoolWeight>?> Split = new(
        "split",
        new OptionalValueType<ImmutableArray<PoolWeight>>(new MapType<PoolWeight, int>(
            PoolReferenceType.Instance, new IntegerType(0, 1_000_000), (pool, weight) => new PoolWeight(pool, weight), p => (p.Pool, p.Weight))),
        a => (a as RouteAction.Split)?.Pools)
    { Doc = "Pools and their weights: { stable: 95, canary: 5 }." };

    private static readonly Key<RouteAction, string?> By = new(
        "by", new OptionalType<string>(new TemplateType("text with variables", KeyExpected, TextType.LineRule)),
        a => a is RouteAction.Split { By.Length: > 0 } split ? split.By : null)
    { Doc = "What decides in a split, so that the same visitor stays where he is: \"{cookie.user}\". Where it is empty, requests are spread.", Otherwise = "every request for itself", OnlyWith = ["split"] };

    public static readonly Section<RouteAction> Section = new("http.NAME.routes.to", [Pool, Split, By], Build)
    {
        Doc = "Where requests go: the name of a pool, or a mapping.",
        Shorthand = Pool,
        OneOf = [Pool, Split],
        Verify = Verify,
    };

    private static RouteAction Build(Values v)
    {
        if (v.Get(Split) is { } pools) return new RouteAction.Split(pools, v.Get(By) ?? "");
        return new RouteAction.ToPool(v.Get(Pool)!);
    }

    private static void Verify(Values v)
    {
        if (v.TryGet(Split, out ImmutableArray<PoolWeight>? pools) && pools is { } weights && weights.Sum(p => (long)p.Weight) == 0)
            v.Error(Split, "no pool has a weight (at least one above 0)");
    }
}

/// <summary>The section; one pool is always written as its name.</summary>
internal sealed class ToType : ConfigType<RouteAction>
{
    public static readonly ToType Instance = new();

    public override string Label => ToSection.Section.Label;
    public override string Expected => ToSection.Section.Expected;
    public override ISection? AsSection => ToSection.Section;

    public override bool TryRead(ConfigNode node, Compilation compilation, out RouteAction value) => ToSection.Section.TryRead(node, compilation, out value);

    public override ConfigNode Write(RouteAction value, WriteOptions options) =>
        value is RouteAction.ToPool to ? new ScalarNode(to.Pool, quoted: true) : ToSection.Section.Write(value, options);

    public override System.Text.Json.Nodes.JsonObject Schema() => ToSection.Section.Schema();
}
