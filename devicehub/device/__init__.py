"""Phones as the hub knows them: identity, states, discovery."""
