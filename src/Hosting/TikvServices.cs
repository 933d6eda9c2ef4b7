using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace TiKvActors.Hosting;

/// <summary>Makes an application on .NET's generic host a node of a cluster, or a member that only uses it.</summary>
public static class TikvServices
{
    /// <summary>Adds <see cref="TikvService"/>, which starts and stops with the application.</summary>
    /// <param name="configure">Called once.</param>
    public static IServiceCollection AddTiKvActors(this IServiceCollection services, Func<IServiceProvider, TikvNodeOptions> configure) =>
        services
            .AddSingleton(provider => new TikvService(configure(provider), provider.GetRequiredService<IHostApplicationLifetime>()))
            .AddHostedService(provider => provider.GetRequiredService<TikvService>());

    /// <inheritdoc cref="AddTiKvActors(IServiceCollection, Func{IServiceProvider, TikvNodeOptions})"/>
    public static IServiceCollection AddTiKvActors(this IServiceCollection services, TikvNodeOptions options) =>
        services.AddTiKvActors(_ => options);
}
