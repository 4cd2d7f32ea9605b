namespace Mainstay.System.Tests.Rules;

/// <summary>Every example of docs/rules.md does what the page says: the real program, real curl.</summary>
public sealed class CookbookTests(CookbookKitchen kitchen) : IClassFixture<CookbookKitchen>
{
    public static TheoryData<string> Titles => [.. Recipes.Read().Select(recipe => recipe.Title)];

    [Theory]
    [MemberData(nameof(Titles))]
    public void Example_AsDocumented_DoesWhatThePageSays(string title) => kitchen.Cook(title);

    [Fact]
    public void Page_HasExamples() => Assert.InRange(kitchen.Count, 15, 100);
}
